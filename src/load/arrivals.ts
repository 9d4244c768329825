/** When requests are due, drawn before the run: ms from its start, ascending. */
import { uniform } from './random.ts';

/** `count` arrivals of a Poisson process: independent exponential gaps. The same seed gives the same times. */
export function poissonArrivals(ratePerSecond: number, count: number, seed: number): Float64Array {
  const random = uniform(seed);
  const meanGapMs = gapMs(ratePerSecond);
  const arrivals = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    at -= Math.log(1 - random()) * meanGapMs;
    arrivals[i] = at;
  }
  return arrivals;
}

/** `count` arrivals with equal gaps, the first after one gap. */
export function constantArrivals(ratePerSecond: number, count: number): Float64Array {
  const gap = gapMs(ratePerSecond);
  return Float64Array.from({ length: count }, (_, i) => (i + 1) * gap);
}

function gapMs(ratePerSecond: number): number {
  if (!(ratePerSecond > 0 && Number.isFinite(ratePerSecond)))
    throw new RangeError(`expected a rate above 0 per second, got ${ratePerSecond}`);
  return 1000 / ratePerSecond;
}
