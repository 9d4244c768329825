/** Latency by batch size, as points and what lies between them. Pure. */

export interface LatencyPoint {
  /** Of the batch; a mean where sizes fall together. */
  readonly rows: number;
  /** Runs it rests on, the newest 50 at most; 0: on what was measured at load. */
  readonly runs: number;
  /** Usual time inside the engine, ms. */
  readonly runMs: number;
  /** Its 95th percentile, ms. */
  readonly upperMs: number;
  /** Usual time for the way there and back, ms: the lower quartile; of a live size that only ran behind others NaN. */
  readonly overheadMs: number;
  /** What it takes when nothing gets in the way, as at load, ms: work, without the queues of a busy machine. */
  readonly leastOverheadMs: number;
}

/** What 95 of 100 of them take at most, the way there and back included, ms; undefined: not known. */
export function usualMsOf(point: LatencyPoint | undefined): number | undefined {
  if (point === undefined) return undefined;
  const { upperMs, overheadMs, leastOverheadMs } = point;
  const ms = upperMs + (Number.isNaN(overheadMs) ? leastOverheadMs : overheadMs);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The point at `rows`: between its neighbours, beyond the ends along the line of the outer two; undefined: none known. */
export function pointAt(points: readonly LatencyPoint[], rows: number): LatencyPoint | undefined {
  const [first] = points;
  if (first === undefined) return undefined;
  if (points.length === 1) return scaledTo(first, rows);
  let i = 1;
  while (i < points.length - 1 && (points[i] as LatencyPoint).rows < rows) i++;
  const below = points[i - 1] as LatencyPoint;
  const above = points[i] as LatencyPoint;
  const along = (rows - below.rows) / (above.rows - below.rows);
  const between = (a: number, b: number, least: number): number => Math.max(least, a + along * (b - a));
  // A line through two noisy points may fall: no batch is faster than half the smallest one known.
  const leastMs = first.runMs / 2;
  return {
    rows,
    runs: 0,
    runMs: between(below.runMs, above.runMs, leastMs),
    upperMs: between(below.upperMs, above.upperMs, leastMs),
    overheadMs: between(below.overheadMs, above.overheadMs, 0),
    leastOverheadMs: between(below.leastOverheadMs, above.leastOverheadMs, 0),
  };
}

/**
 * The live points, each drawn towards what was measured at load the fewer runs it rests on; and between and beyond
 * them the measured ones. Those are scaled by what live runs and their ways take beyond what was measured: the median
 * over all live runs. `measuredCounts`: as many live runs of a size a measured one is worth.
 */
export function rescaled(
  measured: readonly LatencyPoint[],
  live: readonly LatencyPoint[],
  measuredCounts: number,
): readonly LatencyPoint[] {
  const runs = slowdown(measured, live, point => point.runMs);
  const ways = slowdown(measured, live, point => point.overheadMs);
  const unseen = measured
    .filter(({ rows }) => !live.some(point => near(point.rows, rows)))
    .map(point => ({
      ...point,
      runMs: point.runMs * runs,
      upperMs: point.upperMs * runs,
      overheadMs: point.overheadMs * ways,
      leastOverheadMs: point.leastOverheadMs * Math.min(1, ways),
    }));
  const seen = live.map(point => {
    const known = pointAt(measured, point.rows);
    const drawn = drawnTo(point, runs * (known?.runMs ?? Number.NaN), measuredCounts);
    return { ...drawn, ...wayOf(point, known, ways) };
  });
  return [...seen, ...unseen].sort((a, b) => a.rows - b.rows);
}

/** Nothing is known of it. */
const NO_WAY = { overheadMs: 0, leastOverheadMs: 0 };

/** Of a live point, whose runs may all have waited behind others and say nothing of the way: NaN. */
function wayOf(
  { overheadMs, leastOverheadMs }: LatencyPoint,
  measured: LatencyPoint | undefined,
  ways: number,
): Pick<LatencyPoint, 'overheadMs' | 'leastOverheadMs'> {
  if (Number.isNaN(overheadMs)) {
    const { overheadMs: usualMs, leastOverheadMs: leastMs } = measured ?? NO_WAY;
    return { overheadMs: usualMs * ways, leastOverheadMs: leastMs };
  }
  return { overheadMs, leastOverheadMs: Math.min(leastOverheadMs, measured?.leastOverheadMs ?? overheadMs) };
}

/** `point` as if so many runs more had taken `ms`; NaN: as it is. */
function drawnTo(point: LatencyPoint, ms: number, runs: number): LatencyPoint {
  if (!(ms > 0)) return point;
  const runMs = (point.runs * point.runMs + runs * ms) / (point.runs + runs);
  return { ...point, runMs, upperMs: point.upperMs * (runMs / point.runMs) };
}

/** The median over all live runs of what they take beyond what was measured; 1 when nothing can be compared. */
function slowdown(
  measured: readonly LatencyPoint[],
  live: readonly LatencyPoint[],
  msOf: (point: LatencyPoint) => number,
): number {
  const ratios = live
    .map(point => ({ runs: point.runs, ratio: msOf(point) / msOf(pointAt(measured, point.rows) ?? point) }))
    .filter(({ ratio }) => ratio > 0 && Number.isFinite(ratio))
    .sort((a, b) => a.ratio - b.ratio);
  const half = ratios.reduce((sum, { runs }) => sum + runs, 0) / 2;
  let runs = 0;
  for (const ratio of ratios) {
    runs += ratio.runs;
    if (runs >= half) return ratio.ratio;
  }
  return 1;
}

function near(a: number, b: number): boolean {
  return Math.max(a, b) / Math.min(a, b) < 1.15;
}

function scaledTo(point: LatencyPoint, rows: number): LatencyPoint {
  const factor = rows / point.rows;
  return { ...point, rows, runs: 0, runMs: point.runMs * factor, upperMs: point.upperMs * factor };
}
