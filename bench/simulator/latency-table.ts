/** What a run of so many rows costs, from a few measured sizes. */

export interface LatencyPoint {
  readonly rows: number;
  readonly ms: number;
}

/** ms of one run of `rows` rows; `rows` is an integer of at least 1. */
export type Latency = (rows: number) => number;

/** ms of the run of `rows` rows that starts at `at`, ms on the arrivals' clock: each run may take its own time. */
export type RunTime = (rows: number, at: number) => number;

/**
 * Straight lines between the measured points, which must ascend in rows. Below the first: its ms; above the last:
 * the last one's ms per row. Computed once for every size up to the last point, as a simulation asks very often.
 */
export function latencyOf(points: readonly LatencyPoint[]): Latency {
  const last = points.at(-1);
  if (last === undefined || points.some(({ ms }) => !(ms >= 0)))
    throw new Error('a table needs points of ms ≥ 0');
  const table = Float64Array.from({ length: last.rows + 1 }, (_, rows) => between(points, rows));
  return rows => (rows <= last.rows ? (table[rows] as number) : (last.ms * rows) / last.rows);
}

function between(points: readonly LatencyPoint[], rows: number): number {
  const above = points.findIndex(point => point.rows >= rows);
  const high = points[above] as LatencyPoint;
  const low = points[above - 1];
  if (low === undefined) return high.ms;
  return low.ms + ((high.ms - low.ms) * (rows - low.rows)) / (high.rows - low.rows);
}

/** Rows per ms one server does when it always runs its best size up to `maxRows`, and that size. */
export function bestSize(
  latency: Latency,
  maxRows: number,
): { readonly rows: number; readonly rowsPerMs: number } {
  let best = { rows: 1, rowsPerMs: 1 / latency(1) };
  for (let rows = 2; rows <= maxRows; rows++) {
    const rowsPerMs = rows / latency(rows);
    if (rowsPerMs > best.rowsPerMs) best = { rows, rowsPerMs };
  }
  return best;
}

/** The smallest size whose ms per row is within `share` of the best's. */
export function knee(latency: Latency, maxRows: number, share = 0.03): number {
  const least = 1 / bestSize(latency, maxRows).rowsPerMs;
  let rows = 1;
  while (latency(rows) / rows > least * (1 + share)) rows++;
  return rows;
}
