/**
 * What the gateway gives up, step after step, while its memory or its event loop is short: always in this order, the
 * last step first when there is room again. `overload/` decides how many steps are taken; whoever does the work asks.
 */
export const STEPS = ['hedging', 'cache-writes', 'low-priority', 'connections'] as const;

/**
 * `hedging`: second runs of slow batches. `cache-writes`: keeping results. `low-priority`: requests of the last level
 * of models that have several. `connections`: inferences on connections made from now on.
 */
export type Step = (typeof STEPS)[number];

export class Pressure {
  /** Steps taken, from the first. */
  taken = 0;

  isOff(step: Step): boolean {
    return this.taken > STEPS.indexOf(step);
  }
}
