/**
 * Worker processes for getting to know new content, or for rows that run apart: what crashes or hangs here harms nobody
 * else. One job at a time each, at most `limit` of them; one that is idle is kept for the next load of a burst and
 * killed soon after, and one where anything went wrong is killed at once. They take no permits of the scheduler, so that
 * a model that hangs on its first sample cannot hold back the ones that serve; they run at a lower priority instead.
 */
import type { GatewayError } from '../errors.ts';
import { type ScratchName, ScratchProcess } from './scratch-process.ts';
import type { WorkerClient } from './worker-client.ts';
import { isUnavailable, workerGone } from './worker-failure.ts';
import type { WorkerProcess } from './worker-process.ts';
import type { WorkerSettings } from './worker-settings.ts';

const IDLE_MS = 2000;
/** After one was prepared in vain. */
const NONE_PREPARED_MS = 60_000;
/** Creating and releasing sessions leaks in ONNX Runtime: a process is not used for more. */
const MAX_USES = 16;

/** What a job throws that has dealt with the loss of its process itself. */
export class ProcessLost extends Error {
  readonly hangs: boolean;

  constructor(hangs: boolean) {
    super('the process is lost');
    this.hangs = hangs;
  }
}

/** What a job has of its process. */
export interface Scratch {
  readonly client: WorkerClient;
  /** Loading is over: it may take as long as it likes from now on. */
  ready(): void;
  /** As `WorkerProcess.standBehind`; its process is not used again. */
  standBehind(): void;
  readonly isBehind: boolean;
}

type Job<T> = (scratch: Scratch) => Promise<T>;

export class ScratchWorkers {
  readonly #name: ScratchName;
  readonly #settings: WorkerSettings;
  readonly #limit: number;
  readonly #startProcess: () => WorkerProcess;
  readonly #alive = new Set<ScratchProcess>();
  /** With what ends each when nobody comes. */
  readonly #idle = new Map<ScratchProcess, NodeJS.Timeout>();
  readonly #queue: (() => void)[] = [];
  #busy = 0;
  /** Resolves when what is prepared is idle, or could not be had. */
  #coming: Promise<void> | undefined;
  #noneUntilMs = 0;
  #closed = false;

  constructor(name: ScratchName, limit: number, settings: WorkerSettings, start: () => WorkerProcess) {
    this.#name = name;
    this.#limit = limit;
    this.#settings = settings;
    this.#startProcess = start;
  }

  /**
   * Runs one job on a process of its own for that time, which has as long as a load may take, or until it calls `ready`.
   * A death during it rejects with what `died` makes of the reason.
   */
  async use<T>(job: Job<T>, died: (reason: string) => GatewayError): Promise<T> {
    await this.#turn();
    try {
      await this.#coming;
      const scratch = this.#takeIdle() ?? (await this.#start());
      return await this.#run(scratch, job, died);
    } finally {
      this.#busy--;
      this.#queue.shift()?.();
    }
  }

  /**
   * Starts a process for a job that may come within so many ms, unless one is idle: while a worker stands still, a core
   * has nothing else to do. Once it is dead what has waited needs them all, and a start takes 0.4 s of one.
   */
  prepare(withinMs: number): void {
    if (this.#closed || this.#coming !== undefined || this.#idle.size > 0 || this.#busy > 0) return;
    if (performance.now() < this.#noneUntilMs) return;
    this.#coming = this.#start().then(
      scratch => this.#keep(scratch, withinMs + IDLE_MS),
      () => undefined,
    );
    void this.#coming.finally(() => {
      this.#coming = undefined;
    });
  }

  /** Kills them all; jobs under way reject. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#alive].map(scratch => this.#end(scratch)));
  }

  async #turn(): Promise<void> {
    while (this.#busy >= this.#limit) await new Promise<void>(resolve => this.#queue.push(resolve));
    this.#busy++;
  }

  async #start(): Promise<ScratchProcess> {
    if (this.#closed) throw workerGone();
    const gone = (): void => this.#forget(scratch);
    const scratch: ScratchProcess = new ScratchProcess(
      this.#name,
      this.#startProcess(),
      this.#settings,
      gone,
    );
    this.#alive.add(scratch);
    await scratch.ready;
    return scratch;
  }

  async #run<T>(scratch: ScratchProcess, job: Job<T>, died: (reason: string) => GatewayError): Promise<T> {
    scratch.uses++;
    const { loadTimeoutMs } = this.#settings;
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      void scratch.end('hang');
    }, loadTimeoutMs);
    try {
      const result = await job({
        client: scratch.client,
        ready: () => clearTimeout(limit),
        standBehind: () => scratch.standBehind(),
        get isBehind() {
          return scratch.isBehind;
        },
      });
      this.#rest(scratch);
      return result;
    } catch (error) {
      if (error instanceof ProcessLost) void (error.hangs ? scratch.end('hang') : scratch.endLost());
      else if (isUnavailable(error)) {
        const reason = await scratch.reasonOfDeath();
        void this.#end(scratch);
        if (reason !== undefined) throw died(late ? `stopped after ${loadTimeoutMs} ms` : reason);
      } else void this.#end(scratch);
      throw error;
    } finally {
      clearTimeout(limit);
    }
  }

  /** Kept for a while, or ended. */
  #rest(scratch: ScratchProcess): void {
    const { uses, isAlive, isBehind } = scratch;
    if (uses >= MAX_USES || !isAlive || isBehind || this.#closed) return void this.#end(scratch);
    this.#keep(scratch, IDLE_MS);
  }

  #keep(scratch: ScratchProcess, ms: number): void {
    const timer = setTimeout(() => {
      if (scratch.uses === 0) this.#noneUntilMs = performance.now() + NONE_PREPARED_MS;
      void this.#end(scratch);
    }, ms);
    timer.unref();
    this.#idle.set(scratch, timer);
  }

  #takeIdle(): ScratchProcess | undefined {
    const scratch = [...this.#idle.keys()].at(-1);
    if (scratch === undefined) return undefined;
    clearTimeout(this.#idle.get(scratch));
    this.#idle.delete(scratch);
    return scratch;
  }

  async #end(scratch: ScratchProcess): Promise<void> {
    this.#forget(scratch);
    await scratch.end('done');
  }

  #forget(scratch: ScratchProcess): void {
    clearTimeout(this.#idle.get(scratch));
    this.#idle.delete(scratch);
    this.#alive.delete(scratch);
  }
}
