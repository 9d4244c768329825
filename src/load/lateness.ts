import { quantile } from './quantile.ts';

/** A request that left later than this after it was due is late, ms. */
const LATE_MS = 1;
/** With more late ones than this the latencies say more of the generator than of the server. */
const MAX_LATE_SHARE = 0.01;

/** How punctual the generator was. */
export interface Lateness {
  /** Share of requests it got to more than 1 ms after they were due. */
  readonly lateShare: number;
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
  /** Why the run's latencies must not be trusted, when they must not. */
  readonly isVoid?: string;
}

/** `lateMs`: for each request, how long after it was due the generator got to it. Sorts it in place. */
export function lateness(lateMs: Float64Array): Lateness {
  lateMs.sort();
  const lateShare = lateMs.filter(ms => ms > LATE_MS).length / Math.max(1, lateMs.length);
  const figures = { lateShare, lateP99Ms: quantile(lateMs, 0.99), lateMaxMs: lateMs.at(-1) ?? 0 };
  if (lateShare <= MAX_LATE_SHARE) return figures;
  const percent = (lateShare * 100).toFixed(1);
  return {
    ...figures,
    isVoid: `the load generator was late: ${percent} % of its requests left more than ${LATE_MS} ms after they were due`,
  };
}
