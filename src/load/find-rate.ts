/** The highest rate that still meets an objective, by bisection. */

/** Whether the objective holds at this rate. */
export type Probe = (ratePerSecond: number) => Promise<boolean>;

export interface RateBounds {
  /** Assumed to be too much when nothing else is known; tried first. */
  readonly high: number;
  /** Stop when the answer is known to this share of itself; default 0.05. */
  readonly precision?: number;
  /** Rates to try at most; default 12. */
  readonly probes?: number;
}

/**
 * Assumes that an objective missed at one rate is missed at every higher one. Two runs of three decide on a rate, since
 * a tail is a matter of luck near its limit. 0 when not even `high` · 2⁻⁶ holds.
 */
export async function findHighestRate(probe: Probe, bounds: RateBounds): Promise<number> {
  const { precision = 0.05, probes = 12 } = bounds;
  let [good, bad] = [0, Number.POSITIVE_INFINITY];
  let rate = bounds.high;
  for (let tried = 0; tried < probes; tried++) {
    if (await holdsMostly(probe, rate)) good = rate;
    else bad = rate;
    if (good === 0 && bad <= bounds.high / 2 ** 6) return 0;
    if (Number.isFinite(bad) && bad - good <= precision * bad) break;
    rate = next(good, bad);
  }
  return good;
}

/** The third run only where the first two disagree. */
async function holdsMostly(probe: Probe, rate: number): Promise<boolean> {
  const first = await probe(rate);
  const second = await probe(rate);
  return first === second ? first : probe(rate);
}

function next(good: number, bad: number): number {
  if (good === 0) return bad / 2;
  return bad === Number.POSITIVE_INFINITY ? good * 1.5 : (good + bad) / 2;
}
