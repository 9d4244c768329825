/**
 * One device slot's worker, kept alive: started, replaced with back-off, and given its versions again. While it is
 * ready, `worker-attendant.ts` watches it.
 *
 * It owns one process at a time. When that dies, everything in flight rejects at once and no version takes work until
 * a new process has loaded and warmed it. A version belongs to the worker only after it was brought up once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { STOPPED, type WorkerChanged } from '../events.ts';
import { deathCause, isOwnDoing } from './death-cause.ts';
import type { HostedVersion } from './hosted-version.ts';
import { HostedVersions } from './hosted-versions.ts';
import { WorkerAttendant } from './worker-attendant.ts';
import { WorkerClient } from './worker-client.ts';
import { isUnavailable, workerGone } from './worker-failure.ts';
import { assertTransition, FORGIVEN_AFTER_MS, restartDelayMs, type WorkerState } from './worker-lifecycle.ts';
import type { WorkerProcess } from './worker-process.ts';
import { DEATH_NOTICE_MS, type WorkerSettings } from './worker-settings.ts';

export interface SlotWorkerOptions {
  readonly name: string;
  readonly connections: number;
  /** Told of a version that alone can have taken down a worker it shares. */
  readonly blame: (hosted: HostedVersion) => void;
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

/** Deaths while loading one version before it is given up: another version may have been the cause once. */
const LOAD_ATTEMPTS = 3;

export class SlotWorker {
  readonly name: string;
  /** Settles when the first process is ready, or has failed to become so. */
  readonly firstStart: Promise<void>;
  readonly #options: SlotWorkerOptions;
  readonly #settings: WorkerSettings;
  readonly #hosted: HostedVersions;
  readonly #attendant: WorkerAttendant;
  #state: WorkerState;
  #ready = Promise.withResolvers<Ready>();
  #deaths = 0;

  constructor(options: SlotWorkerOptions, settings: WorkerSettings) {
    this.name = options.name;
    this.#options = options;
    this.#settings = settings;
    this.#hosted = new HostedVersions(
      settings,
      home => this.#state === home,
      {
        lost: home => void this.#attendant.doubt(home),
        hangs: (home, hosted, run) => this.#attendant.endHung(home, hosted, run),
      },
      line => settings.log(this.name, line),
    );
    this.#attendant = new WorkerAttendant(options.name, settings, this.#hosted, home => this.#state === home);
    this.#ready.promise.catch(() => undefined);
    const { spares } = settings;
    const first = this.#begin(spares.takeSpared(options.name));
    this.#state = first;
    this.firstStart = first.process.ready;
  }

  view(): WorkerView {
    const state = this.#state;
    return {
      name: this.name,
      pid: 'process' in state ? state.process.pid : undefined,
      state: state.kind,
      rssBytes: this.#attendant.rssBytes,
      models: [...this.#hosted].map(({ model, version, total }) => ({ model, version, instances: total })),
    };
  }

  /** Resolves when the version is loaded and warm on every instance and takes work. */
  async host(hosted: HostedVersion): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const state = await this.#nextReady();
      try {
        await this.#hosted.bringUp(hosted, state);
        this.#hosted.add(hosted);
        return;
      } catch (error) {
        const died = isUnavailable(error) && (await state.process.exitWithin(DEATH_NOTICE_MS)) !== undefined;
        if (!died || attempt === LOAD_ATTEMPTS) throw error;
      }
    }
  }

  /** Takes over a version that another worker hosted: it is brought up when this one's process is ready. */
  adopt(hosted: HostedVersion): void {
    this.#hosted.add(hosted);
    if (this.#state.kind === 'ready') void this.#hosted.restore(this.#state);
  }

  /** Gives a version up without waiting for anything. */
  abandon(hosted: HostedVersion): void {
    this.#hosted.remove(hosted);
    void this.#forget(hosted);
  }

  /** Lets what runs finish, then frees the version's memory as far as the worker can. */
  async unhost(hosted: HostedVersion): Promise<void> {
    this.#hosted.remove(hosted);
    await hosted.drained();
    await this.#forget(hosted);
  }

  /** Kills the process; everything in flight rejects. Resolves when it is gone. */
  async close(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#become({ kind: 'closed' });
    this.#ready.reject(workerGone());
    this.#hosted.shut();
    if (state.kind === 'waiting') return clearTimeout(state.timer);
    if (state.kind === 'ready') state.client.destroy(workerGone());
    await state.process.kill();
  }

  #begin(process: WorkerProcess): Starting {
    const { log } = this.#settings;
    process.log = line => log(this.name, line);
    void this.#watch(process);
    this.#emit('starting', process.pid);
    return { kind: 'starting', process };
  }

  /** A worker that died needs its next process sooner than one that is new. */
  #beginAgain(): void {
    this.#become(this.#begin(this.#settings.spares.take(this.name)));
  }

  async #watch(process: WorkerProcess): Promise<void> {
    await process.ready.then(
      () => this.#arrived(process),
      () => undefined,
    );
    this.#died(process, await process.exited);
  }

  #arrived(process: WorkerProcess): void {
    if (this.#state.kind !== 'starting') return;
    const client = new WorkerClient(process.socketPath, this.#options.connections);
    const state: Ready = { kind: 'ready', process, client, sinceMs: performance.now() };
    this.#become(state);
    this.#emit('ready', process.pid);
    this.#ready.resolve(state);
    void this.#hosted.restore(state);
    void this.#attendant.attend(state);
  }

  #died(process: WorkerProcess, reason: string): void {
    const state = this.#state;
    this.#emit('exited', undefined, state.kind === 'closed' ? STOPPED : reason);
    if (state.kind === 'closed') return;
    const cause = deathCause(reason, this.#attendant.endedFor(process));
    this.#settings.events.emit('worker:died', { worker: this.name, cause });
    const blamed = this.#hosted.blame();
    this.#hosted.shut();
    if (state.kind === 'ready') {
      if (performance.now() - state.sinceMs > FORGIVEN_AFTER_MS) this.#deaths = 0;
      this.#ready = Promise.withResolvers<Ready>();
      this.#ready.promise.catch(() => undefined);
      state.client.destroy(workerGone());
    }
    const delayMs = restartDelayMs(this.#deaths++, this.#settings.random());
    const timer = setTimeout(() => this.#beginAgain(), delayMs);
    this.#attendant.rssBytes = 0;
    this.#become({ kind: 'waiting', timer });
    this.#emit('waiting', undefined, String(Math.round(delayMs)));
    if (blamed?.ranRequests === true) blamed.hosted.tookWorkerDown(delayMs);
    if (blamed?.sharesWorker === true && isOwnDoing(cause)) this.#options.blame(blamed.hosted);
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

  async #forget(hosted: HostedVersion): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'ready') return;
    const signal = AbortSignal.timeout(this.#settings.loadTimeoutMs);
    await state.client.unload(hosted.model, hosted.order.version, signal).catch(() => undefined);
  }

  #become(next: WorkerState): void {
    assertTransition(this.#state.kind, next.kind);
    this.#state = next;
  }

  #emit(state: WorkerChanged['state'], pid?: number, detail = ''): void {
    this.#settings.events.emit('worker:changed', { worker: this.name, state, pid, detail });
  }
}
