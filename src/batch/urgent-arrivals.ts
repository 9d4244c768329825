import { RowRate } from './row-rate.ts';

/**
 * What comes before whom: the rows that arrive at each level of priority, 1 being the most urgent. Who waits at a
 * level is overtaken by what comes at levels above it, so that is not theirs of what the workers do.
 */
export class UrgentArrivals {
  /** By level; the last one overtakes nobody. */
  readonly #rates: readonly RowRate[];

  constructor(levels: number, now: number) {
    this.#rates = Array.from({ length: levels - 1 }, () => new RowRate(now));
  }

  add(rows: number, priority: number, now: number): void {
    this.#rates[priority - 1]?.add(rows, now);
  }

  /** Rows per ms that come before those of this level. */
  overtakingPerMs(priority: number, now: number): number {
    let perMs = 0;
    for (let above = 0; above < priority - 1; above++) perMs += this.#rates[above]?.rowsPerMs(now) ?? 0;
    return perMs;
  }
}
