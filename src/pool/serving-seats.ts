/** Seats that run batches: instances on a worker of this gateway, or a server elsewhere. */
import type { BreakerState } from '../breaker.ts';
import type { Execution, ExecutionResult, Slot } from '../inference.ts';
import type { Seats } from './fair-share.ts';
import type { OutOfService } from './outage.ts';
import type { VersionBreaker } from './version-breaker.ts';

export interface ServingSeats extends Seats {
  readonly model: string;
  readonly version: string;
  /** Latencies of one kind are alike. */
  readonly kind: string;
  /** As operators know it. */
  readonly worker: string;
  readonly breaker: VersionBreaker;
  breakerChanged: (state: BreakerState, reason: string) => void;
  /** Why waiting for them is in vain; undefined: it is not, though they may be shut just now. */
  readonly outOfService: OutOfService | undefined;
  /** Since when it has not been up, on the `performance.now()` clock; undefined while it is. */
  readonly shutSinceMs: number | undefined;
  /** `usualMs` as in `Slot.execute`. Rejects with a GatewayError. */
  run(execution: Execution, usualMs?: number): Promise<ExecutionResult>;
}

/** Where rows run that may take their worker down. */
export interface Apart {
  /** As `Executor.acquireApart`. */
  acquire(grant: (slot: Slot) => void): () => void;
}
