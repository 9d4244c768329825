/**
 * How many of the waiting rows go, with `maxQueueDelayMs: auto`, when a worker is free: a pure function of what
 * waits, who is free and what was learned. The rules were chosen by simulation (test/simulator/auto-closing.test.ts).
 */
import { type Economy, rowCostMs, type SizeCost, serviceMs, upperServiceMs } from './batch-economy.ts';
import type { Closing } from './closing.ts';
import { type LatencyPoint, pointAt } from './latency-points.ts';

export interface AutoMoment {
  /** ms. */
  readonly now: number;
  /** Waiting in the queue. */
  readonly rows: number;
  /** Workers there are, and how many are free, the one granted included. */
  readonly total: number;
  readonly free: number;
  /** Rows that arrive in a millisecond. */
  readonly arrivalsPerMs: number;
  /** When the last batch was sent, ms. */
  readonly sentAt: number;
  /** Until the first of them should have its answer, ms; Infinity: whenever. */
  readonly leftMs: number;
  readonly points: readonly LatencyPoint[];
  readonly economy: Economy;
  readonly maxRows: number;
  /** Goes beyond what seems to pay, to see whether that still holds. */
  readonly explores: boolean;
}

/** Workers should be able to do so many times what arrives, or queues grow long. */
const HEADROOM = 1.15;
/** By so much a row must be cheaper in a batch twice as large: less is not worth the longer wait, nor known from noise. */
const DOUBLING_GAINS = 1.03;
/** A batch a little over the limit is better than a remainder of few rows. */
const NO_REMAINDER = 1.2;
/** Of the time until the last answer: less is not known apart from noise. */
const LEAST_GAIN = 0.1;
/** A batch hardly takes longer with twice the rows. */
const FLAT = 1.4;
/** Shorter runs are over before a timer has rung. */
const TIMER_PAYS_FROM_MS = 4;

export function closeAuto(moment: AutoMoment): Closing {
  const { rows, maxRows } = moment;
  const limit = Math.min(maxRows, limitRows(moment) * (moment.explores ? 2 : 1));
  const until = Math.min(heldUntil(moment, Math.min(rows, limit), limit), lastMoment(moment));
  if (until > moment.now) return { kind: 'wait', until };
  const all = rows <= maxRows && rows <= limit * NO_REMAINDER;
  return { kind: 'send', rows: rowsInTime(moment, all ? dividedShare(moment) : limit) };
}

/** As many of `rows` as still answer the first one in time; all of them when not even one alone would. */
function rowsInTime({ leftMs, points }: AutoMoment, rows: number): number {
  if (!(upperServiceMs(points, rows) > leftMs) || upperServiceMs(points, 1) > leftMs) return rows;
  let [fits, misses] = [1, rows];
  while (misses - fits > 1) {
    const middle = (fits + misses) >> 1;
    if (upperServiceMs(points, middle) > leftMs) misses = middle;
    else fits = middle;
  }
  return fits;
}

/**
 * Rows of the largest batch for now: those that go together at hardly any cost, or the smallest batch with which the
 * workers keep up with what arrives. Larger ones do more in a second but answer their first rows later. When no size
 * keeps up, the one that does the most. Only sizes for which enough rows wait: half of a size that pays need not pay.
 */
export function limitRows({
  rows,
  economy: { sizes, togetherRows },
  arrivalsPerMs,
  total,
}: Pick<AutoMoment, 'rows' | 'economy' | 'arrivalsPerMs' | 'total'>): number {
  const costMs = Math.max(1, total) / (HEADROOM * arrivalsPerMs);
  let best = sizes[0] as SizeCost;
  for (const size of sizes) {
    if (size.rows > rows || rowCostMs(best) <= costMs) break;
    const gain = rowCostMs(best) / rowCostMs(size);
    if (gain >= DOUBLING_GAINS ** Math.log2(size.rows / best.rows)) best = size;
  }
  return Math.max(togetherRows, best.rows);
}

/**
 * Workers that start together end together, and whoever comes meanwhile waits for a whole run. Where a batch takes
 * hardly longer with more rows, it is held until the others are half-way, or a third of the way, of theirs.
 */
function heldUntil({ now, total, free, sentAt, points }: AutoMoment, rows: number, limit: number): number {
  if (free >= total || rows >= limit) return now;
  const runMs = serviceMs(points, rows);
  if (!(runMs >= TIMER_PAYS_FROM_MS) || serviceMs(points, rows * 2) > FLAT * runMs) return now;
  return sentAt + runMs / total;
}

/** After it the first of those that wait would be late. */
function lastMoment({ now, leftMs, points, rows }: AutoMoment): number {
  return now + leftMs - upperServiceMs(points, rows + 1);
}

/**
 * Rows of each part when `rows` are divided over free workers so that the last answer comes earliest; `rows` where
 * it gains less for those who wait than it costs those who arrive meanwhile, for whom the workers will be busy: q
 * rows gain q · (ℓ(q) − ℓ(q/k)), and λ · ℓ(q/k) arrivals each lose half of the extra work k · ℓ(q/k) − ℓ(q). Only the
 * engine's time is gained: the way there and back is as long for each part, and work for everybody.
 */
export function dividedShare({ rows, free, arrivalsPerMs, points }: AutoMoment): number {
  const together = free > 1 && rows > 1 ? pointAt(points, rows) : undefined;
  if (together === undefined) return rows;
  const togetherMs = together.runMs + together.overheadMs;
  let best = { share: rows, netMs: rows * togetherMs * LEAST_GAIN };
  for (let parts = 2; parts <= Math.min(free, rows); parts++) {
    const share = Math.ceil(rows / parts);
    const { runMs, overheadMs } = pointAt(points, share) as LatencyPoint;
    const partMs = runMs + overheadMs;
    const extraMs = Math.max(0, parts * partMs - togetherMs);
    const netMs = rows * (together.runMs - runMs) - (arrivalsPerMs * partMs * extraMs) / 2;
    if (netMs > best.netMs) best = { share, netMs };
  }
  return best.share;
}
