/**
 * How many of the waiting rows go, with `maxQueueDelayMs: auto`, when a worker is free: a pure function of what
 * waits, what is free and what was learned.
 */
import { type Economy, serviceMs } from './batch-economy.ts';
import type { LatencyPoint } from './latency-points.ts';

export interface AutoMoment {
  /** Waiting in the queue. */
  readonly rows: number;
  /** Workers free, the one granted included. */
  readonly free: number;
  /** Rows that arrive in a millisecond. */
  readonly arrivalsPerMs: number;
  readonly points: readonly LatencyPoint[];
  readonly economy: Economy;
  readonly maxRows: number;
}

/** A batch a little over the knee is better than a remainder of few rows. */
const NO_REMAINDER = 1.5;

/** Of the time until the last answer: less is not known apart from noise. */
const LEAST_GAIN = 0.05;

/** Rows of the next batch; at least 1. */
export function rowsToSend(moment: AutoMoment): number {
  const { rows, economy, maxRows } = moment;
  const { kneeRows, capRows } = economy;
  const together = rows <= Math.min(capRows, kneeRows * NO_REMAINDER) ? rows : Math.min(rows, kneeRows);
  const share = Math.min(maxRows, together === rows ? dividedShare(moment) : together);
  return Math.max(1, share);
}

/**
 * Rows of each part when `rows` are divided over free workers so that the last answer comes earliest; `rows` where
 * it gains less for those who wait than it costs those who arrive meanwhile, for whom the workers will be busy: q rows gain
 * q · (ℓ(q) − ℓ(q/k)), and λ · ℓ(q/k) arrivals each lose half of the extra work k · ℓ(q/k) − ℓ(q).
 */
export function dividedShare({ rows, free, arrivalsPerMs, points }: AutoMoment): number {
  const togetherMs = serviceMs(points, rows);
  let best = { share: rows, netMs: rows * togetherMs * LEAST_GAIN };
  for (let parts = 2; parts <= Math.min(free, rows); parts++) {
    const share = Math.ceil(rows / parts);
    const partMs = serviceMs(points, share);
    const extraMs = Math.max(0, parts * partMs - togetherMs);
    const netMs = rows * (togetherMs - partMs) - (arrivalsPerMs * partMs * extraMs) / 2;
    if (netMs > best.netMs) best = { share, netMs };
  }
  return best.share;
}
