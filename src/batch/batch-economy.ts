/** Which batch sizes pay, from what was learned of their latency. Pure. */
import { type LatencyPoint, pointAt } from './latency-points.ts';

export interface Economy {
  /** The smallest batch at which a row costs, to within 3 %, the least it can. A larger one only makes rows wait. */
  readonly kneeRows: number;
  /** The largest batch at which it still does. */
  readonly capRows: number;
}

const AS_CHEAP = 1.03;

/**
 * Of the sizes up to `maxRows`. Where the largest size known is clearly the cheapest, larger ones are tried: the
 * knee is then twice as large. Nothing known: everything is worth trying.
 */
export function economyOf(
  points: readonly LatencyPoint[],
  maxRows: number,
  sizes: readonly number[],
): Economy {
  const largest = points.at(-1)?.rows ?? 0;
  const known = candidates(maxRows, sizes).filter(rows => rows <= largest * 1.15);
  const costs = known.map(rows => rowCostMs(points, rows));
  const least = Math.min(...costs);
  if (!Number.isFinite(least) || known.length < 2) return { kneeRows: maxRows, capRows: maxRows };
  const cheap = known.filter((_, i) => (costs[i] as number) <= least * AS_CHEAP);
  const [kneeRows = maxRows] = cheap;
  const capRows = cheap.at(-1) as number;
  if (kneeRows < (known.at(-1) as number) || kneeRows === maxRows) return { kneeRows, capRows };
  const next = Math.min(maxRows, kneeRows * 2);
  return { kneeRows: next, capRows: next };
}

/** What one row costs in a batch of so many, ms. */
export function rowCostMs(points: readonly LatencyPoint[], rows: number): number {
  return serviceMs(points, rows) / rows;
}

/** From sending a batch to having its answer, ms; NaN when nothing is known. */
export function serviceMs(points: readonly LatencyPoint[], rows: number): number {
  const point = pointAt(points, rows);
  return point === undefined ? Number.NaN : point.runMs + point.overheadMs;
}

/** Powers of two and what lies half-way, or the only sizes allowed. */
function candidates(maxRows: number, sizes: readonly number[]): readonly number[] {
  if (sizes.length > 0) return sizes.filter(rows => rows <= maxRows);
  const found = [1];
  for (let rows = 2; rows < maxRows; rows *= 2) found.push(rows, rows * 1.5);
  found.push(maxRows);
  return [...new Set(found.map(Math.round))].filter(rows => rows <= maxRows).sort((a, b) => a - b);
}
