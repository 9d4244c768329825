import type { Executor, Slot } from '../inference.ts';
import type { Pressure } from '../pressure.ts';
import type { ClosedBatch } from './closed-batch.ts';
import type { RetryBudget } from './retry-budget.ts';

/** Sooner, a timer costs more than what it could save. */
const LEAST_MS = 2;

export interface HedgingOptions {
  readonly retryBudget: RetryBudget;
  readonly now: () => number;
  readonly pressure?: Pressure;
}

/**
 * Sends a batch that takes unusually long to another worker too, if one is idle and the budget allows: the first answer
 * counts (Dean and Barroso, "The tail at scale", 2013).
 */
export class Hedging {
  readonly #executor: Executor;
  readonly #budget: RetryBudget;
  readonly #now: () => number;
  readonly #pressure: Pressure | undefined;

  constructor(executor: Executor, { retryBudget, now, pressure }: HedgingOptions) {
    this.#executor = executor;
    this.#budget = retryBudget;
    this.#now = now;
    this.#pressure = pressure;
  }

  /** `send` runs the batch once more, on the slot it is given. Returns what is to be called when the batch has ended. */
  watch(slot: Slot, batch: ClosedBatch, send: (slot: Slot) => Promise<void>): () => void {
    const { usualMs } = batch;
    // The parts of a request that rides in several batches are counted: none may come twice.
    const isWhole = batch.pieces.every(({ entry }) => entry.reassembly === undefined);
    if (usualMs === undefined || !isWhole) return ignore;
    const timer = setTimeout(() => this.#hedge(slot, batch, send), Math.max(LEAST_MS, usualMs));
    return () => clearTimeout(timer);
  }

  #hedge(slot: Slot, batch: ClosedBatch, send: (slot: Slot) => Promise<void>): void {
    if (this.#pressure?.isOff('hedging') || batch.pieces.every(({ entry }) => entry.state === 'settled'))
      return;
    const other = this.#executor.tryElsewhere(slot);
    if (other === undefined) return;
    if (this.#budget.take(this.#now())) {
      batch.hedge = send(other);
    } else other.release();
  }
}

function ignore(): void {}
