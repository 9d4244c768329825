/** One load order and the seats it makes on a worker: what a worker must run again after it was replaced. */
import type { BreakerState } from '../breaker.ts';
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult } from '../inference.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import type { Seats } from './fair-share.ts';
import type { OutOfService } from './outage.ts';
import { RunTimes } from './pace.ts';
import { Quarantine } from './quarantine.ts';
import type { WarmUpRun } from './run-times.ts';
import type { WatchedRun } from './run-watch.ts';
import { RunsUnderWay } from './runs-under-way.ts';
import { SampleTrials } from './sample-trials.ts';
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
  /** How long a run may take of whose like nothing was learned, ms. */
  readonly hungAfterMs: number;
  readonly scheduler: Scheduler;
  readonly breaker: BreakerSettings;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

/** Whoever looks after the process that hosts it. */
export interface RunListener {
  /** A connection broke under a run. */
  lost(): void;
  hangs(hosted: HostedVersion, run: WatchedRun): void;
  /** One takes so long that it may hang. */
  lags(run: WatchedRun): void;
}

/** A sample that takes longer has failed, ms; longer still where the version's runs may. */
const LEAST_TRIAL_LIMIT_MS = 30_000;
/** While a quarantined version's worker waits longer its callers do not wait for it, ms. */
const LONG_DELAY_MS = 1000;

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
  readonly breaker: VersionBreaker;
  /** Its breaker opened, tries or closed. */
  breakerChanged: (state: BreakerState, reason: string) => void = () => undefined;
  /** While no more than its instances run: what is sent ahead waits. */
  readonly times = new RunTimes();
  pace = 1;
  /** Left out, as it is slow. */
  isEjected = false;
  /** A run went well. */
  ran: () => void = () => undefined;
  /** It takes no work any more. */
  becameUnable: () => void = () => undefined;
  /** Quarantined, with the reason; '': no longer. */
  quarantineChanged: (reason: string) => void = () => undefined;
  readonly quarantine = new Quarantine(
    () => performance.now(),
    reason => this.quarantineChanged(reason),
  );
  /** As operators know it. */
  worker = '';
  inUse = 0;
  readonly #scheduler: Scheduler;
  #isUp = false;
  #shutSinceMs = performance.now();
  #client: WorkerClient | undefined;
  #listener: RunListener = { lost: () => undefined, hangs: () => undefined, lags: () => undefined };
  readonly #runs: RunsUnderWay;
  readonly #trials: SampleTrials;

  constructor(options: HostedVersionOptions) {
    const { model, version, order, device, weight, warmUp, hungAfterMs, scheduler, breaker } = options;
    this.model = model;
    this.version = version;
    this.order = order;
    this.device = device;
    this.weight = weight;
    this.warmUp = warmUp;
    this.#scheduler = scheduler;
    this.total = order.instances;
    this.#runs = new RunsUnderWay(this.total, hungAfterMs, {
      hangs: run => this.#listener.hangs(this, run),
      lags: run => this.#listener.lags(run),
    });
    this.#trials = new SampleTrials(this, {
      scheduler,
      runs: this.#runs,
      slowMs: breaker.slow?.callMs ?? Number.POSITIVE_INFINITY,
      client: () => (this.#isUp ? this.#client : undefined),
      lost: () => this.#listener.lost(),
    });
    this.breaker = new VersionBreaker({
      ...breaker,
      random: options.random,
      trySample: () => this.#trials.try(),
      isUp: () => this.#isUp,
      trialLimitMs: Math.max(LEAST_TRIAL_LIMIT_MS, options.longestRunMs ?? 0),
      changed: (state, reason) => {
        if (state === 'closed') scheduler.wake();
        else this.becameUnable();
        this.breakerChanged(state, reason);
      },
    });
    this.path = versionPath(model, order.version);
    this.kind = order.intraOpThreads > 1 ? `${order.kind}×${order.intraOpThreads}` : order.kind;
  }

  get running(): number {
    return this.#runs.count;
  }

  /** Its worker has it, warm. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** It may be asked: it is up, its breaker is closed, and it is not left out. */
  get open(): boolean {
    return this.#isUp && this.breaker.isClosed && !this.isEjected;
  }

  /** A worker that died is replaced in a moment, and waited for. */
  get outOfService(): OutOfService | undefined {
    return this.breaker.isClosed ? undefined : this.breaker.view();
  }

  /** Takes work through this client from now on. */
  openOn(client: WorkerClient, listener: RunListener): void {
    const isNew = client !== this.#client;
    this.#client = client;
    this.#listener = listener;
    this.#isUp = true;
    if (!isNew) {
      this.breaker.workerIsBack();
      this.quarantine.up();
      return;
    }
    this.breaker.workerIsNew();
    // What was opened by hand meanwhile has a reason of its own.
    const { reason } = this.quarantine;
    if (reason !== '' && this.breaker.view().reason === reason) this.breaker.close();
    this.quarantine.up();
  }

  /** Its worker died while it alone ran requests there, and starts again after this delay, ms. */
  tookWorkerDown(restartDelayMs: number): void {
    this.quarantine.died();
    const { reason } = this.quarantine;
    if (reason !== '' && restartDelayMs >= LONG_DELAY_MS && this.breaker.isClosed) this.breaker.open(reason);
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
    this.quarantine.stop();
    this.becameUnable();
  }

  /** `usualMs` as in `Slot.execute`. */
  async run(execution: Execution, usualMs?: number): Promise<ExecutionResult> {
    const client = this.#client;
    // Between grant and execution the worker may have died, or its breaker have opened.
    if (!this.open || client === undefined) throw workerGoneBefore();
    const isAhead = this.running >= this.total;
    const watched = this.#runs.begin(usualMs);
    const run = this.breaker.begin();
    try {
      const result = await client.infer(this.path, execution);
      const roundTripMs = performance.now() - watched.startedAt;
      this.breaker.succeeded(run, roundTripMs);
      if (!isAhead) this.times.note(execution.rows, roundTripMs);
      this.ran();
      return result;
    } catch (error) {
      if (isWorkerGone(error)) this.#listener.lost();
      this.breaker.failed(run, GatewayError.from(error), execution);
      throw error;
    } finally {
      this.#runs.end(watched);
    }
  }

  /** Seats are open again. */
  wake(): void {
    this.#scheduler.wake();
  }

  /** As `SampleTrials.time`. */
  timeSample(): Promise<number> {
    return this.#trials.time();
  }

  /** Resolves when nothing runs here any more. */
  drained(): Promise<void> {
    return this.#runs.drained();
  }
}
