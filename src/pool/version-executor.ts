/** The workers of one version, as its batcher sees them. */

import type { BreakerState, BreakerView } from '../breaker.ts';
import type { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { Capacity, Execution, ExecutionResult, Executor, Slot } from '../inference.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { Ejection } from './ejection.ts';
import { usable } from './fair-share.ts';
import { HostedVersion } from './hosted-version.ts';
import { outageError } from './outage.ts';
import { RemoteVersion } from './remote-version.ts';
import type { Flow, Grant } from './scheduler.ts';
import type { Apart, ServingSeats } from './serving-seats.ts';

/** The breaker of one version on one worker. */
export interface HostedBreaker extends BreakerView {
  readonly worker: string;
}

/** Of one version on one worker. */
export interface HostedLimit {
  readonly worker: string;
  readonly batches: number;
}

export interface QuarantineView {
  readonly worker: string;
  readonly reason: string;
}

export class VersionExecutor implements Executor {
  readonly #flow: Flow;
  readonly #hosted: readonly ServingSeats[];
  /** Of them, those on workers of this gateway. */
  readonly #own: readonly HostedVersion[];
  readonly #apart: Apart;
  readonly #events: Events;
  readonly #limits: ReadonlyMap<ServingSeats, AdaptiveLimit>;
  /** Told when an outage began: what waits for a worker waits in vain. */
  onOutage: (error: GatewayError) => void = () => undefined;
  readonly #ejection: Ejection;
  #isOut = false;

  /** The hosted versions become the flow's seats. */
  constructor(flow: Flow, hosted: readonly ServingSeats[], apart: Apart, events: Events) {
    this.#flow = flow;
    this.#hosted = hosted;
    this.#apart = apart;
    this.#events = events;
    flow.seats.push(...hosted);
    this.#limits = new Map(hosted.map(one => [one, new AdaptiveLimit(one.total, performance.now())]));
    this.#own = hosted.filter(one => one instanceof HostedVersion);
    this.#ejection = new Ejection(this.#own, events);
    for (const one of hosted) {
      one.breakerChanged = (state, reason) => this.#breakerChanged(one, state, reason);
      if (one instanceof RemoteVersion) one.reachChanged = () => this.#lookForOutage();
    }
    this.#lookForOutage();
    for (const one of this.#own) {
      one.quarantineChanged = reason => this.#quarantineChanged(one, reason);
    }
  }

  /** Every breaker is open, or nobody is there: the error for whoever asks; else undefined. */
  get outage(): GatewayError | undefined {
    if (!this.#isOut) return undefined;
    const { model, version } = this.#hosted[0] as ServingSeats;
    return outageError(
      model,
      version,
      this.#hosted.flatMap(({ outOfService }) => outOfService ?? []),
    );
  }

  breakers(): readonly HostedBreaker[] {
    return this.#hosted.map(({ worker, breaker }) => ({ worker, ...breaker.view() }));
  }

  /**
   * For its slots alone: a run of so many rows has ended well, while it still has its seat. On a worker of this gateway
   * batches wait for each other inside the engine, or were sent ahead to wait; elsewhere anywhere on their way.
   */
  ran(hosted: ServingSeats, rows: number, inferMs: number, roundTripMs: number): void {
    const limit = this.#limits.get(hosted);
    const ms = hosted instanceof HostedVersion ? inferMs : roundTripMs;
    if (limit?.add(rows, ms, hosted.inUse, performance.now())) hosted.limit = limit.batches;
  }

  /** Batches that each worker may have at once now. */
  limits(): readonly HostedLimit[] {
    return this.#hosted.map(hosted => ({ worker: hosted.worker, batches: usable(hosted) }));
  }

  /** Its workers are given up. */
  stop(): void {
    this.#ejection.stop();
  }

  /** Where it is quarantined, and why. */
  quarantines(): readonly QuarantineView[] {
    return this.#own.flatMap(({ worker, quarantine: { reason } }) =>
      reason === '' ? [] : [{ worker, reason }],
    );
  }

  /** By hand, on every worker: until `closeBreakers`. */
  openBreakers(reason: string): void {
    for (const { breaker } of this.#hosted) breaker.open(reason);
  }

  closeBreakers(): void {
    for (const { breaker } of this.#hosted) breaker.close();
  }

  /** Since when none of its workers can run it, on the `performance.now()` clock; undefined while one can. */
  get unableSinceMs(): number | undefined {
    let lastMs = 0;
    for (const { shutSinceMs } of this.#hosted) {
      if (shutSinceMs === undefined) return undefined;
      lastMs = Math.max(lastMs, shutSinceMs);
    }
    return lastMs;
  }

  capacity(): Capacity {
    return { free: this.#flow.free, total: this.#flow.total };
  }

  acquire(grant: (slot: Slot) => void): () => void {
    return this.#flow.acquire(granted => grant(this.#slotOf(granted)));
  }

  tryElsewhere(than: Slot): Slot | undefined {
    if (!(than instanceof GrantedSlot)) return undefined;
    const granted = this.#flow.tryOther(than.hosted);
    return granted && this.#slotOf(granted);
  }

  acquireApart(grant: (slot: Slot) => void): () => void {
    return this.#apart.acquire(grant);
  }

  #breakerChanged(
    { model, version, worker, breaker }: ServingSeats,
    state: BreakerState,
    reason: string,
  ): void {
    const nextTrialMs = breaker.view().nextTrialMs;
    this.#events.emit('breaker:changed', { model, version, worker, state, reason, nextTrialMs });
    this.#lookForOutage();
  }

  #lookForOutage(): void {
    this.#isOut = this.#hosted.length > 0 && this.#hosted.every(one => one.outOfService !== undefined);
    const { outage } = this;
    if (outage !== undefined) this.onOutage(outage);
  }

  #quarantineChanged({ model, version, worker }: HostedVersion, reason: string): void {
    this.#events.emit('quarantine:changed', { model, version, worker, quarantined: reason !== '', reason });
  }

  #slotOf(granted: Grant): Slot {
    const hosted = this.#hosted.find(one => one === granted.seats);
    if (hosted === undefined) throw new Error('this is a bug: seats of another version were granted');
    return new GrantedSlot(hosted, granted, this);
  }
}

/** A run that takes longer, ms, may never end: until it is known to hang others must not wait for its cores. */
function overdueMs(usualMs: number | undefined): number {
  return usualMs === undefined ? UNKNOWN_OVERDUE_MS : Math.max(LEAST_OVERDUE_MS, 2 * usualMs);
}

const LEAST_OVERDUE_MS = 300;
const UNKNOWN_OVERDUE_MS = 1000;

/** One run on one version's seats. The seat is free again before the answer is looked at: the next batch goes first. */
class GrantedSlot implements Slot {
  readonly hosted: ServingSeats;
  readonly #grant: Grant;
  readonly #executor: VersionExecutor;
  #runs = false;

  constructor(hosted: ServingSeats, grant: Grant, executor: VersionExecutor) {
    this.hosted = hosted;
    this.#grant = grant;
    this.#executor = executor;
  }

  get kind(): string {
    return this.hosted.kind;
  }

  yieldNext(): boolean {
    return this.#runs && this.#grant.yieldSeat();
  }

  async execute(execution: Execution, usualMs?: number): Promise<ExecutionResult> {
    const startedMs = performance.now();
    let consumedMs: number | undefined;
    this.#runs = true;
    const overdue = setTimeout(() => this.#grant.lendPermits(), overdueMs(usualMs));
    try {
      // It may have begun since the grant.
      const { outage } = this.#executor;
      if (outage !== undefined) throw outage;
      const result = await this.hosted.run(execution, usualMs);
      consumedMs = result.inferMs;
      this.#executor.ran(this.hosted, execution.rows, consumedMs, performance.now() - startedMs);
      return result;
    } finally {
      clearTimeout(overdue);
      this.#runs = false;
      // A run that failed is charged its whole round trip: failing must not be a way to the front.
      this.#grant.end(consumedMs ?? performance.now() - startedMs);
    }
  }

  release(): void {
    this.#grant.end(0);
  }
}
