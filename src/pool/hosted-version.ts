/** One load order and the seats it makes on a worker: what a worker must run again after it was replaced. */
import type { BreakerState } from '../breaker.ts';
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult } from '../inference.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import { permittedRun } from './bring-up.ts';
import type { Seats } from './fair-share.ts';
import type { WarmUpRun } from './run-times.ts';
import { allowedMs, RunWatch, type WatchedRun } from './run-watch.ts';
import type { Scheduler } from './scheduler.ts';
import { type BreakerSettings, VersionBreaker } from './version-breaker.ts';
import { versionPath, type WorkerClient } from './worker-client.ts';
import { isWorkerGone, workerGoneBefore } from './worker-failure.ts';

export interface HostedVersionOptions {
  readonly model: string;
  /** As operators know it; the worker knows it by the order's version. */
  readonly version: string;
  readonly order: LoadOrder;
  readonly device: string;
  readonly weight: number;
  /** One run for every batch size, to be made on every instance. */
  readonly warmUp: readonly WarmUpRun[];
  /** As in `VersionSpec`. */
  readonly longestRunMs: number | undefined;
  readonly scheduler: Scheduler;
  readonly breaker: BreakerSettings;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

/** What the worker that hosts it hears of its runs. */
export interface HomeTold {
  /** A connection broke under one. */
  lost(): void;
  /** One hangs. */
  hangs(): void;
}

/** A sample that takes longer has failed, ms; longer still where the version's runs may. */
const LEAST_TRIAL_LIMIT_MS = 30_000;
const NEVER = new AbortController().signal;

export class HostedVersion implements Seats {
  readonly model: string;
  readonly version: string;
  readonly order: LoadOrder;
  readonly warmUp: readonly WarmUpRun[];
  readonly device: string;
  readonly weight: number;
  readonly total: number;
  readonly path: string;
  /** `cpu`, `cpu×4` with four threads a run, `cuda`: latencies of one kind are alike. */
  readonly kind: string;
  readonly #longestRunMs: number;
  readonly breaker: VersionBreaker;
  /** Its breaker opened, tries or closed. */
  breakerChanged: (state: BreakerState, reason: string) => void = () => undefined;
  /** As operators know it. */
  worker = '';
  inUse = 0;
  readonly #scheduler: Scheduler;
  readonly #slowMs: number;
  #isUp = false;
  #tried = 0;
  #shutSinceMs = performance.now();
  #client: WorkerClient | undefined;
  #tells: HomeTold = { lost: () => undefined, hangs: () => undefined };
  #hungAfterMs = 0;
  readonly #watch = new RunWatch(
    () => performance.now(),
    () => this.#tells.hangs(),
  );
  #drained: (() => void) | undefined;

  constructor(options: HostedVersionOptions) {
    const { model, version, order, device, weight, warmUp, longestRunMs, scheduler, breaker } = options;
    this.model = model;
    this.version = version;
    this.order = order;
    this.device = device;
    this.weight = weight;
    this.warmUp = warmUp;
    this.#longestRunMs = longestRunMs ?? 0;
    this.#scheduler = scheduler;
    this.#slowMs = breaker.slow?.callMs ?? Number.POSITIVE_INFINITY;
    this.breaker = new VersionBreaker({
      ...breaker,
      random: options.random,
      trySample: () => this.#trySample(),
      isUp: () => this.#isUp,
      trialLimitMs: Math.max(LEAST_TRIAL_LIMIT_MS, this.#longestRunMs),
      changed: (state, reason) => {
        if (state === 'closed') scheduler.wake();
        this.breakerChanged(state, reason);
      },
    });
    this.total = order.instances;
    this.path = versionPath(model, order.version);
    this.kind = order.intraOpThreads > 1 ? `${order.kind}×${order.intraOpThreads}` : order.kind;
  }

  get running(): number {
    return this.#watch.running;
  }

  /** Its worker has it, warm. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** It may be asked: it is up, and its breaker is closed. */
  get open(): boolean {
    return this.#isUp && this.breaker.isClosed;
  }

  /**
   * Takes work through this client from now on. A run of which nothing was learned hangs after `hungAfterMs`, unless
   * this version may take longer.
   */
  openOn(client: WorkerClient, tells: HomeTold, hungAfterMs: number): void {
    const isNew = client !== this.#client;
    this.#client = client;
    this.#tells = tells;
    this.#hungAfterMs = Math.max(hungAfterMs, this.#longestRunMs);
    this.#isUp = true;
    if (isNew) this.breaker.workerIsNew();
    else this.breaker.workerIsBack();
  }

  /** Since when it has not been up, on the `performance.now()` clock; undefined while it is. */
  get shutSinceMs(): number | undefined {
    return this.#isUp ? undefined : this.#shutSinceMs;
  }

  /** Takes no more work; what runs goes on. */
  shut(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#shutSinceMs = performance.now();
    this.breaker.workerShut();
  }

  /** `usualMs` as in `Slot.execute`. */
  async run(execution: Execution, usualMs?: number): Promise<ExecutionResult> {
    const client = this.#client;
    // Between grant and execution the worker may have died, or its breaker have opened.
    if (!this.open || client === undefined) throw workerGoneBefore();
    const watched = this.#watch.begin(allowedMs(usualMs, this.#hungAfterMs));
    const run = this.breaker.begin();
    try {
      const result = await client.infer(this.path, execution);
      this.breaker.succeeded(run, performance.now() - watched.startedAt);
      return result;
    } catch (error) {
      if (isWorkerGone(error)) this.#tells.lost();
      this.breaker.failed(run, GatewayError.from(error), execution);
      throw error;
    } finally {
      this.#end(watched);
    }
  }

  /** Nobody's request; of one instance after the other. Without a sample, whether the worker has the version. */
  async #trySample(): Promise<void> {
    const [client, sample] = [this.#client, this.warmUp[0]];
    if (!this.#isUp || client === undefined) throw workerGoneBefore();
    const watched = this.#watch.begin(this.#hungAfterMs);
    try {
      if (sample === undefined) return void (await client.metadata(this.path));
      const instance = this.#tried++ % this.total;
      const { roundTripMs } = await permittedRun(this, client, this.#scheduler, instance, NEVER)(sample);
      if (roundTripMs > this.#slowMs) throw new Error('the sample takes too long');
    } catch (error) {
      if (isWorkerGone(error)) this.#tells.lost();
      throw error;
    } finally {
      this.#end(watched);
    }
  }

  #end(watched: WatchedRun): void {
    this.#watch.end(watched);
    if (this.#watch.running === 0) this.#drained?.();
  }

  /** Resolves when nothing runs here any more. */
  drained(): Promise<void> {
    if (this.running === 0) return Promise.resolve();
    return new Promise(resolve => {
      this.#drained = resolve;
    });
  }
}
