/** Which batch sizes pay, from what was learned of their latency. Pure. */
import { type LatencyPoint, pointAt } from './latency-points.ts';

export interface SizeCost {
  readonly rows: number;
  /**
   * From sending such a batch to having its answer where nothing is in the way, ms. Larger batches save work on the way,
   * not the time it waits on a busy machine: counted with that, batches of 128 seemed best to 128 callers, never came
   * together, and the workers stood idle for a third of the time.
   */
  readonly serviceMs: number;
}

export interface Economy {
  /** Sizes that are known or worth trying, ascending, at least one. */
  readonly sizes: readonly SizeCost[];
  /** Up to here a batch takes much less than its halves one after the other: rows that wait together go together. */
  readonly togetherRows: number;
  /** The smallest batch at which a row costs, to within 3 %, the least it can. */
  readonly kneeRows: number;
  /** The smallest batch at which, to within 1 %, it does. */
  readonly bestRows: number;
}

const AS_CHEAP = 1.03;
/** Less is not known apart from noise. */
const CHEAPEST = 1.01;
/** Two halves one after the other take so many times what the whole takes. */
const MUCH_LESS = 1.25;
/** A size is known when one as large, within this factor, has run. */
const KNOWN_WITHIN = 1.15;

/**
 * Of the sizes up to `maxRows`. Where the largest size known is clearly the cheapest, one twice as large is tried.
 * Nothing known: everything is worth trying.
 */
export function economyOf(
  points: readonly LatencyPoint[],
  maxRows: number,
  allowed: readonly number[],
): Economy {
  const largest = (points.at(-1)?.rows ?? 0) * KNOWN_WITHIN;
  const candidates = candidateSizes(maxRows, allowed);
  const known = candidates
    .filter(rows => rows <= largest)
    .map(rows => ({ rows, serviceMs: leastServiceMs(points, rows) }))
    // An engine too fast for its clock, or one that does not say.
    .filter(({ serviceMs: ms }) => Number.isFinite(ms) && ms > 0);
  if (known.length < 2) return untried(candidates, points);
  const least = Math.min(...known.map(rowCostMs));
  const knee = known.find(size => rowCostMs(size) <= least * AS_CHEAP) as SizeCost;
  const best = known.find(size => rowCostMs(size) <= least * CHEAPEST) as SizeCost;
  const together = togetherRows(known);
  const next = candidates.find(rows => rows > largest);
  if (knee !== known.at(-1) || next === undefined)
    return { sizes: known, togetherRows: together, kneeRows: knee.rows, bestRows: best.rows };
  const sizes = [...known, { rows: next, serviceMs: leastServiceMs(points, next) }];
  return { sizes, togetherRows: together, kneeRows: next, bestRows: next };
}

/** What one row costs in a batch of so many, ms. */
export function rowCostMs({ rows, serviceMs }: SizeCost): number {
  return serviceMs / rows;
}

/** From sending a batch to having its answer, ms; NaN when nothing is known. */
export function serviceMs(points: readonly LatencyPoint[], rows: number): number {
  const point = pointAt(points, rows);
  return point === undefined ? Number.NaN : point.runMs + point.overheadMs;
}

/** The same for a run that is slow, one of twenty; NaN when nothing is known. */
export function upperServiceMs(points: readonly LatencyPoint[], rows: number): number {
  const point = pointAt(points, rows);
  return point === undefined ? Number.NaN : point.upperMs + point.overheadMs;
}

/** The same where nothing is in the way; NaN when nothing is known. */
function leastServiceMs(points: readonly LatencyPoint[], rows: number): number {
  const point = pointAt(points, rows);
  return point === undefined ? Number.NaN : point.runMs + point.leastOverheadMs;
}

/**
 * A larger batch makes its first rows wait for its last: it must do so little else that it is done sooner for all. It
 * must be so against its half, and doubling for doubling against the smallest as well: noise in one size may seem to
 * gain the first, never all.
 */
function togetherRows(known: readonly SizeCost[]): number {
  const single = known[0] as SizeCost;
  let together = single.rows;
  for (const size of known) {
    const half = known.findLast(({ rows }) => rows * 2 <= size.rows);
    if (half === undefined || gain(half, size) < MUCH_LESS) continue;
    if (gain(single, size) >= MUCH_LESS ** Math.log2(size.rows / single.rows)) together = size.rows;
  }
  return together;
}

/** How many times longer the rows of `large` take in batches like `small`, one after the other. */
function gain(small: SizeCost, large: SizeCost): number {
  return rowCostMs(small) / rowCostMs(large);
}

function untried(candidates: readonly number[], points: readonly LatencyPoint[]): Economy {
  const rows = candidates.at(-1) as number;
  return {
    sizes: [{ rows, serviceMs: leastServiceMs(points, rows) }],
    togetherRows: rows,
    kneeRows: rows,
    bestRows: rows,
  };
}

/** Powers of two and what lies half-way, or the only sizes allowed. */
function candidateSizes(maxRows: number, allowed: readonly number[]): readonly number[] {
  const found = allowed.filter(rows => rows <= maxRows);
  if (found.length > 0) return found;
  found.push(1);
  for (let rows = 2; rows < maxRows; rows *= 2) found.push(rows, rows * 1.5);
  found.push(maxRows);
  return [...new Set(found)].filter(rows => rows <= maxRows).sort((a, b) => a - b);
}
