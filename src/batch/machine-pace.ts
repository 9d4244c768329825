/** Of each run's surprise so much is believed: half of a change is known after five runs. */
const BELIEVED = 1 / 8;
/** One run counts as at most so many times slower or faster than expected. */
const MOST_SURPRISING = 4;

/**
 * How much longer runs take now than they usually do, whatever their size: other work on the machine slows all sizes
 * alike, and comes and goes within seconds. Sizes that ran at different times can be compared only without it.
 */
export class MachinePace {
  #factor = 1;

  /** 1: as usual; 2: twice as long. */
  get factor(): number {
    return this.#factor;
  }

  /** A run took `ms` where `expectedMs` had been expected at the present pace. */
  note(ms: number, expectedMs: number): void {
    const surprise = Math.min(MOST_SURPRISING, Math.max(1 / MOST_SURPRISING, ms / expectedMs));
    if (surprise > 0) this.#factor *= surprise ** BELIEVED;
  }
}
