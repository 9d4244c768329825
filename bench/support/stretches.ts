/** What a gateway that alternates took, with and without what is in question: see `alternating-gateway.ts`. */
import { median } from './median.ts';

export interface Stretch {
  /** False: straight to the batcher. */
  readonly isAsItIs: boolean;
  /** When it ended, ms of the process. */
  readonly at: number;
  /** CPU of the gateway's process, µs a request. */
  readonly cpuUs: number;
}

export interface Added {
  /** Straight to the batcher, µs a request. */
  readonly withoutUs: number;
  /** µs a request, and its 95 % interval. */
  readonly us: number;
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

/** Between two neighbours more than this, as a ratio, is the machine's doing. */
const MOST_APART = Math.log(1.6);

/** From the ratios of neighbours, whose mean logarithm is as good as normal. */
export function addedCpu(stretches: readonly Stretch[]): Added {
  const logs: number[] = [];
  for (const [i, stretch] of stretches.entries()) {
    const before = stretches[i - 1];
    if (before === undefined || before.isAsItIs === stretch.isAsItIs) continue;
    const log = Math.log(stretch.cpuUs / before.cpuUs) * (stretch.isAsItIs ? 1 : -1);
    if (Math.abs(log) < MOST_APART) logs.push(log);
  }
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  // Each stretch is in two pairs, with the same sign: they are worth half as many that are independent.
  const error = 1.96 * Math.sqrt((2 * variance) / logs.length);
  const withoutUs = median(stretches.filter(one => !one.isAsItIs).map(one => one.cpuUs));
  const us = (log: number) => withoutUs * (Math.exp(log) - 1);
  return { withoutUs, us: us(mean), low: us(mean - error), high: us(mean + error), pairs: logs.length };
}
