/** One run moves the pace by so much, whichever way and however far off it was: outliers count as any other run. */
const STEP = 1.03;
/** After as many runs half of a pace has become the usual one: the samples of whatever runs hold it by then. */
const LEAK = 1 - 1 / 64;
const MOST = 8;

/**
 * How much longer runs take now than they usually do, whatever their size: other work on the machine slows all sizes
 * alike, and comes and goes within seconds. Sizes that ran at different times can be compared only without it.
 *
 * It steps towards the median of what it is told and leaks back to 1, or it would drift: what is usual is learned from
 * runs freed of the pace, so that only the product of the two is ever seen. With steps in proportion to the surprise and
 * no leak, 5 % of runs three times as long put a size that did not run meanwhile at 47 times its time after 3,000 runs.
 */
export class MachinePace {
  #factor = 1;

  /** 1: as usual; 2: twice as long. */
  get factor(): number {
    return this.#factor;
  }

  /** A run took `ms` where `expectedMs` had been expected at the present pace. */
  note(ms: number, expectedMs: number): void {
    if (!(ms > 0 && expectedMs > 0)) return;
    const step = ms > expectedMs ? STEP : ms < expectedMs ? 1 / STEP : 1;
    this.#factor = Math.min(MOST, Math.max(1 / MOST, (this.#factor * step) ** LEAK));
  }
}
