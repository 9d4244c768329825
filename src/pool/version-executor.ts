/** The workers of one version, as its batcher sees them. */
import type { Capacity, Execution, ExecutionResult, Executor, Slot } from '../inference.ts';
import type { ApartRuns } from './apart-runs.ts';
import type { HostedVersion } from './hosted-version.ts';
import type { Flow, Grant } from './scheduler.ts';

export class VersionExecutor implements Executor {
  readonly #flow: Flow;
  readonly #hosted: readonly HostedVersion[];
  readonly #apart: ApartRuns;

  /** The hosted versions become the flow's seats. */
  constructor(flow: Flow, hosted: readonly HostedVersion[], apart: ApartRuns) {
    this.#flow = flow;
    this.#hosted = hosted;
    this.#apart = apart;
    flow.seats.push(...hosted);
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

  #slotOf(granted: Grant): Slot {
    const hosted = this.#hosted.find(one => one === granted.seats);
    if (hosted === undefined) throw new Error('this is a bug: seats of another version were granted');
    return new GrantedSlot(hosted, granted);
  }
}

/** One run on one version's seats. The seat is free again before the answer is looked at: the next batch goes first. */
class GrantedSlot implements Slot {
  readonly hosted: HostedVersion;
  readonly #grant: Grant;
  #runs = false;

  constructor(hosted: HostedVersion, grant: Grant) {
    this.hosted = hosted;
    this.#grant = grant;
  }

  get kind(): string {
    return this.hosted.kind;
  }

  yieldNext(): boolean {
    return this.#runs && this.#grant.yieldSeat();
  }

  async execute(execution: Execution): Promise<ExecutionResult> {
    const startedMs = performance.now();
    let consumedMs: number | undefined;
    this.#runs = true;
    try {
      const result = await this.hosted.run(execution);
      consumedMs = result.inferMs;
      return result;
    } finally {
      this.#runs = false;
      // A run that failed is charged its whole round trip: failing must not be a way to the front.
      this.#grant.end(consumedMs ?? performance.now() - startedMs);
    }
  }

  release(): void {
    this.#grant.end(0);
  }
}
