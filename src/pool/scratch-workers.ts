/**
 * Worker processes for getting to know new content, or for rows that run apart: what crashes or hangs here harms nobody
 * else. One job at a time each, at most `limit` of them; one that is idle is kept for the next load of a burst and
 * killed soon after, and one where anything went wrong is killed at once. They take no permits of the scheduler, so that
 * a model that hangs on its first sample cannot hold back the ones that serve; they run at a lower priority instead.
 */
import type { GatewayError } from '../errors.ts';
import { deathCause } from './death-cause.ts';
import { MemoryWatch, tooLarge } from './memory-watch.ts';
import { WorkerClient } from './worker-client.ts';
import { isUnavailable, workerGone } from './worker-failure.ts';
import type { WorkerProcess } from './worker-process.ts';
import { DEATH_NOTICE_MS, type WorkerSettings } from './worker-settings.ts';

interface Scratch {
  readonly process: WorkerProcess;
  readonly client: WorkerClient;
  uses: number;
  /** Why it was killed; `done`: nothing was wrong with it. */
  endedFor: 'done' | 'hang' | 'memory' | undefined;
  idleTimer: NodeJS.Timeout | undefined;
}

const IDLE_MS = 2000;
/** Creating and releasing sessions leaks in ONNX Runtime: a process is not used for more. */
const MAX_USES = 16;
const CONNECTIONS = 4;

/** What a job throws that has dealt with the loss of its process itself. */
export class ProcessLost extends Error {
  readonly hangs: boolean;

  constructor(hangs: boolean) {
    super('the process is lost');
    this.hangs = hangs;
  }
}

export class ScratchWorkers {
  readonly #name: 'scratch' | 'apart';
  readonly #settings: WorkerSettings;
  readonly #limit: number;
  readonly #startProcess: () => WorkerProcess;
  readonly #alive = new Set<Scratch>();
  readonly #idle: Scratch[] = [];
  readonly #queue: (() => void)[] = [];
  #busy = 0;
  #closed = false;

  /** Deaths of processes apart are told as those of workers: what died there is in service. */
  constructor(
    name: 'scratch' | 'apart',
    limit: number,
    settings: WorkerSettings,
    start: () => WorkerProcess,
  ) {
    this.#name = name;
    this.#limit = limit;
    this.#settings = settings;
    this.#startProcess = start;
  }

  /** Runs one job on a process of its own for that time. A death during it rejects with what `died` makes of the reason. */
  async use<T>(
    job: (client: WorkerClient) => Promise<T>,
    died: (reason: string) => GatewayError,
  ): Promise<T> {
    await this.#turn();
    try {
      const scratch = this.#idle.pop() ?? (await this.#start());
      return await this.#run(scratch, job, died);
    } finally {
      this.#busy--;
      this.#queue.shift()?.();
    }
  }

  /** Kills them all; jobs under way reject. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#alive].map(scratch => this.#kill(scratch)));
  }

  async #turn(): Promise<void> {
    while (this.#busy >= this.#limit) await new Promise<void>(resolve => this.#queue.push(resolve));
    this.#busy++;
  }

  async #start(): Promise<Scratch> {
    if (this.#closed) throw workerGone();
    const process = this.#startProcess();
    process.log = line => this.#settings.log(this.#name, line);
    const scratch: Scratch = {
      process,
      client: new WorkerClient(process.socketPath, CONNECTIONS),
      uses: 0,
      endedFor: undefined,
      idleTimer: undefined,
    };
    this.#alive.add(scratch);
    void process.exited.then(reason => this.#exited(scratch, reason));
    this.#watchMemory(scratch);
    await process.ready;
    return scratch;
  }

  #watchMemory(scratch: Scratch): void {
    const { process } = scratch;
    const { maxMemoryBytes, log } = this.#settings;
    if (process.pid === undefined) return;
    const watch = new MemoryWatch({
      pid: process.pid,
      maxBytes: maxMemoryBytes,
      isBusy: () => true,
      exceeded: bytes => {
        log(this.#name, `${tooLarge(bytes, maxMemoryBytes)}: it is killed`);
        scratch.endedFor = 'memory';
        void process.kill();
      },
    });
    void process.exited.then(() => watch.stop());
  }

  async #run<T>(
    scratch: Scratch,
    job: (client: WorkerClient) => Promise<T>,
    died: (reason: string) => GatewayError,
  ): Promise<T> {
    clearTimeout(scratch.idleTimer);
    scratch.uses++;
    const { loadTimeoutMs } = this.#settings;
    let late = false;
    let lost: ProcessLost | undefined;
    const limit = setTimeout(() => {
      late = true;
      scratch.endedFor = 'hang';
      void scratch.process.kill();
    }, loadTimeoutMs);
    try {
      const result = await job(scratch.client);
      this.#rest(scratch);
      return result;
    } catch (error) {
      if (error instanceof ProcessLost) lost = error;
      if (!isUnavailable(error)) throw error;
      // A broken connection is seen before the exit that broke it.
      const reason = await scratch.process.exitWithin(DEATH_NOTICE_MS);
      throw reason === undefined ? error : died(late ? `stopped after ${loadTimeoutMs} ms` : reason);
    } finally {
      clearTimeout(limit);
      if (lost !== undefined) void this.#endLost(scratch, lost);
      else if (!this.#idle.includes(scratch)) void this.#kill(scratch);
    }
  }

  #rest(scratch: Scratch): void {
    if (scratch.uses >= MAX_USES || scratch.process.exitReason !== undefined || this.#closed) return;
    scratch.idleTimer = setTimeout(() => void this.#kill(scratch), IDLE_MS);
    scratch.idleTimer.unref();
    this.#idle.push(scratch);
  }

  /** A broken connection is seen before the exit that broke it, and that says why. */
  async #endLost(scratch: Scratch, { hangs }: ProcessLost): Promise<void> {
    const { process } = scratch;
    if (!hangs && (await process.exitWithin(DEATH_NOTICE_MS)) !== undefined) return;
    scratch.endedFor ??= 'hang';
    await process.kill();
  }

  async #kill(scratch: Scratch): Promise<void> {
    scratch.endedFor ??= 'done';
    this.#gone(scratch);
    await scratch.process.kill();
  }

  #exited(scratch: Scratch, reason: string): void {
    this.#gone(scratch);
    const { endedFor } = scratch;
    if (this.#name !== 'apart' || endedFor === 'done') return;
    this.#settings.events.emit('worker:died', { worker: this.#name, cause: deathCause(reason, endedFor) });
  }

  #gone(scratch: Scratch): void {
    clearTimeout(scratch.idleTimer);
    this.#alive.delete(scratch);
    const at = this.#idle.indexOf(scratch);
    if (at >= 0) this.#idle.splice(at, 1);
    scratch.client.destroy(workerGone());
  }
}
