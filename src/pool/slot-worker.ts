/**
 * One device slot's worker, kept alive: started, watched, replaced with back-off, and given its versions again.
 *
 * It owns one process at a time and the list of versions hosted there. When the process dies, everything in flight
 * rejects at once, every hosted version takes no work until a new process has loaded and warmed it again, and each
 * returns as soon as itself is warm: those that were running at the death come last, so that one that kills its
 * worker does not keep the others away. A version joins the list only after it was brought up once.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Events, WorkerChanged } from '../events.ts';
import { bringUp } from './bring-up.ts';
import type { HostedVersion } from './hosted-version.ts';
import type { Scheduler } from './scheduler.ts';
import { WorkerClient } from './worker-client.ts';
import { isUnavailable, workerGone } from './worker-failure.ts';
import { assertTransition, HEALTHY_AFTER_MS, restartDelayMs, type WorkerState } from './worker-lifecycle.ts';
import { type WorkerCommand, WorkerProcess } from './worker-process.ts';

export interface WorkerSettings {
  readonly command: WorkerCommand;
  readonly directory: string;
  readonly events: Events;
  readonly scheduler: Scheduler;
  readonly log: (worker: string, line: string) => void;
  readonly random: () => number;
  readonly readyTimeoutMs: number;
  /** Bounds loading and warming one version; after it the worker counts as hung. */
  readonly loadTimeoutMs: number;
}

export interface WorkerView {
  readonly name: string;
  readonly pid: number | undefined;
  readonly state: WorkerState['kind'];
  /** As the worker last said, at most some seconds ago; 0 when not known. */
  readonly rssBytes: number;
  readonly models: readonly {
    readonly model: string;
    readonly version: string;
    readonly instances: number;
  }[];
}

type Starting = Extract<WorkerState, { kind: 'starting' }>;
type Ready = Extract<WorkerState, { kind: 'ready' }>;

const SLOT_NICENESS = 5;
const RSS_EVERY_MS = 5000;
/** From a broken connection to the exit event of the process that broke it. */
const DEATH_NOTICE_MS = 1000;
/** Deaths while loading one version before it is given up: another version may have been the cause once. */
const LOAD_ATTEMPTS = 3;

export class SlotWorker {
  readonly name: string;
  /** Settles when the first process is ready, or has failed to become so. */
  readonly firstStart: Promise<void>;
  readonly #settings: WorkerSettings;
  readonly #connections: number;
  readonly #hosted = new Set<HostedVersion>();
  /** Asked for when the process dies: the versions that were running or loading there. */
  readonly #loading = new Set<HostedVersion>();
  readonly #lastSuspects = new Set<HostedVersion>();
  #state: WorkerState;
  #ready = Promise.withResolvers<Ready>();
  #deaths = 0;
  #starts = 0;
  #rssBytes = 0;
  #doubting = false;

  constructor(name: string, connections: number, settings: WorkerSettings) {
    this.name = name;
    this.#connections = connections;
    this.#settings = settings;
    this.#ready.promise.catch(() => undefined);
    const first = this.#begin();
    this.#state = first;
    this.firstStart = first.process.ready;
  }

  view(): WorkerView {
    const state = this.#state;
    return {
      name: this.name,
      pid: 'process' in state ? state.process.pid : undefined,
      state: state.kind,
      rssBytes: this.#rssBytes,
      models: [...this.#hosted].map(({ model, version, total }) => ({ model, version, instances: total })),
    };
  }

  /** Resolves when the version is loaded and warm on every instance and takes work. */
  async host(hosted: HostedVersion): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const state = await this.#nextReady();
      try {
        await this.#bringUp(hosted, state);
        this.#hosted.add(hosted);
        return;
      } catch (error) {
        if (!isUnavailable(error) || (await state.process.exitWithin(DEATH_NOTICE_MS)) === undefined) {
          await this.#forget(hosted);
          throw error;
        }
        if (attempt === LOAD_ATTEMPTS) throw error;
      }
    }
  }

  /** Lets what runs finish, then frees the version's memory as far as the worker can. */
  async unhost(hosted: HostedVersion): Promise<void> {
    this.#hosted.delete(hosted);
    hosted.shut();
    await hosted.drained();
    await this.#forget(hosted);
  }

  /** Kills the process; everything in flight rejects. Resolves when it is gone. */
  async close(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#become({ kind: 'closed' });
    this.#ready.reject(workerGone());
    for (const hosted of this.#hosted) hosted.shut();
    if (state.kind === 'waiting') return clearTimeout(state.timer);
    if (state.kind === 'ready') state.client.destroy(workerGone());
    await state.process.kill();
  }

  #begin(): Starting {
    const { command, directory, log, readyTimeoutMs } = this.#settings;
    const file = `${this.name.replaceAll(/[^\w.-]/g, '_').slice(0, 24)}-${this.#starts++}.sock`;
    const process = new WorkerProcess({
      command,
      socketPath: path.join(directory, file),
      niceness: SLOT_NICENESS,
      readyTimeoutMs,
      log: line => log(this.name, line),
    });
    void this.#watch(process);
    this.#emit('starting', process.pid);
    return { kind: 'starting', process };
  }

  async #watch(process: WorkerProcess): Promise<void> {
    await process.ready.then(
      () => this.#arrived(process),
      () => undefined,
    );
    this.#died(await process.exited);
  }

  #arrived(process: WorkerProcess): void {
    if (this.#state.kind !== 'starting') return;
    const client = new WorkerClient(process.socketPath, this.#connections);
    const state: Ready = { kind: 'ready', process, client, sinceMs: performance.now() };
    this.#become(state);
    this.#emit('ready', process.pid);
    this.#ready.resolve(state);
    void this.#restore(state);
    void this.#pollMemory(state);
  }

  #died(reason: string): void {
    const state = this.#state;
    this.#emit('exited', undefined, reason);
    if (state.kind === 'closed') return;
    this.#noteSuspects();
    for (const hosted of this.#hosted) hosted.shut();
    if (state.kind === 'ready') {
      if (performance.now() - state.sinceMs > HEALTHY_AFTER_MS) this.#deaths = 0;
      this.#ready = Promise.withResolvers<Ready>();
      this.#ready.promise.catch(() => undefined);
      state.client.destroy(workerGone());
    }
    const delayMs = restartDelayMs(this.#deaths++, this.#settings.random());
    const timer = setTimeout(() => this.#become(this.#begin()), delayMs);
    this.#rssBytes = 0;
    this.#become({ kind: 'waiting', timer });
    this.#emit('waiting', undefined, String(Math.round(delayMs)));
  }

  #noteSuspects(): void {
    this.#lastSuspects.clear();
    for (const hosted of this.#hosted) {
      if (hosted.running > 0 || this.#loading.has(hosted)) this.#lastSuspects.add(hosted);
    }
  }

  /** Gives a new process its versions again; one that cannot be loaded now is tried again later. */
  async #restore(state: Ready): Promise<void> {
    for (let round = 1; this.#state === state; round++) {
      const missing = [...this.#hosted].filter(hosted => !hosted.open);
      if (missing.length === 0) return;
      const suspect = (hosted: HostedVersion): number => Number(this.#lastSuspects.has(hosted));
      for (const hosted of missing.sort((a, b) => suspect(a) - suspect(b))) {
        await this.#bringUp(hosted, state).catch(error => this.#reportMissing(hosted, error));
        if (this.#state !== state) return;
      }
      await sleep(restartDelayMs(round, this.#settings.random()), undefined, { ref: false });
    }
  }

  #reportMissing(hosted: HostedVersion, error: unknown): void {
    const why = GatewayError.from(error).message;
    this.#settings.log(
      this.name,
      `${hosted.model} version ${hosted.version} could not be loaded again: ${why}`,
    );
  }

  /** Bounded, for a worker that does not come up at all. */
  async #nextReady(): Promise<Ready> {
    const waited = new AbortController();
    const tooLate = sleep(this.#settings.loadTimeoutMs, undefined, { signal: waited.signal }).then(() => {
      throw workerGone();
    });
    try {
      return await Promise.race([this.#ready.promise, tooLate]);
    } finally {
      tooLate.catch(() => undefined);
      waited.abort();
    }
  }

  /**
   * A connection broke: the process is most likely dying, which its exit event will say in a moment. Until that is
   * known no more work goes there; a process that lives and answers takes it again, one that does not is killed.
   */
  async #doubt(state: Ready): Promise<void> {
    if (this.#state !== state || this.#doubting) return;
    this.#doubting = true;
    const shut = [...this.#hosted].filter(hosted => hosted.open);
    for (const hosted of shut) hosted.shut();
    const died = await state.process.exitWithin(DEATH_NOTICE_MS);
    const answers = died === undefined && (await state.client.answersWithin(DEATH_NOTICE_MS));
    this.#doubting = false;
    if (this.#state !== state) return;
    if (!answers) return void state.process.kill();
    for (const hosted of shut) if (this.#hosted.has(hosted)) this.#open(hosted, state);
  }

  #open(hosted: HostedVersion, state: Ready): void {
    hosted.openOn(state.client, () => void this.#doubt(state));
    this.#settings.scheduler.wake();
  }

  async #bringUp(hosted: HostedVersion, state: Ready): Promise<void> {
    const { scheduler, loadTimeoutMs } = this.#settings;
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(workerGone());
      // A run cannot be cancelled: a hang ends with its process.
      void state.process.kill();
    }, loadTimeoutMs);
    this.#loading.add(hosted);
    try {
      await bringUp(hosted, state.client, scheduler, late.signal);
      if (this.#state !== state) throw workerGone();
      this.#open(hosted, state);
    } finally {
      clearTimeout(timer);
      this.#loading.delete(hosted);
    }
  }

  async #forget(hosted: HostedVersion): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'ready') return;
    const { model, order } = hosted;
    await state.client
      .unload(model, order.version, AbortSignal.timeout(this.#settings.loadTimeoutMs))
      .catch(() => undefined);
  }

  async #pollMemory(state: Ready): Promise<void> {
    while (this.#state === state) {
      this.#rssBytes = await state.client.rssBytes().catch(() => this.#rssBytes);
      await sleep(RSS_EVERY_MS, undefined, { ref: false });
    }
  }

  #become(next: WorkerState): void {
    assertTransition(this.#state.kind, next.kind);
    this.#state = next;
  }

  #emit(state: WorkerChanged['state'], pid?: number, detail = ''): void {
    this.#settings.events.emit('worker:changed', { worker: this.name, state, pid, detail });
  }
}
