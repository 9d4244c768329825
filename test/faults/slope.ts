/** How fast something grows, by Theil and Sen: the median of the slopes between all pairs, which outliers do not move. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  readonly slope: number;
  /** The interval that holds the slope in 95 of 100, where deviations are independent (Sen 1968). */
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % of a normal distribution. */
const Z = 1.96;

/** Points in any order; pairs of equal `x` say nothing. NaN when there is no pair. */
export function theilSen(points: readonly Point[]): Slope {
  const slopes = slopesOf(points);
  const pairs = slopes.length;
  const n = points.length;
  const width = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number) => slopes[Math.min(pairs - 1, Math.max(0, rank))] ?? Number.NaN;
  return {
    slope: (at((pairs - 1) >> 1) + at(pairs >> 1)) / 2,
    low: at(Math.floor((pairs - width) / 2) - 1),
    high: at(Math.ceil((pairs + width) / 2)),
  };
}

function slopesOf(points: readonly Point[]): Float64Array {
  const slopes: number[] = [];
  for (const [i, { x, y }] of points.entries()) {
    for (let j = 0; j < i; j++) {
      const other = points[j] as Point;
      // No −0.
      if (other.x !== x) slopes.push((y - other.y) / (x - other.x) + 0);
    }
  }
  return Float64Array.from(slopes).sort();
}

/**
 * The median of each of `blocks` equal stretches of `x`: neighbouring samples of memory resemble each other, and would
 * have the interval believe in more evidence than there is.
 */
export function blocksOf(points: readonly Point[], blocks: number): Point[] {
  const from = Math.min(...points.map(({ x }) => x));
  const length = (Math.max(...points.map(({ x }) => x)) - from) / blocks;
  const found = Array.from({ length: blocks }, (): Point[] => []);
  for (const point of points) found[Math.min(blocks - 1, Math.floor((point.x - from) / length))]?.push(point);
  return found.flatMap(block => {
    const ordered = block.toSorted((one, other) => one.y - other.y);
    return ordered[(ordered.length - 1) >> 1] ?? [];
  });
}

/** `unclear`: the interval holds slopes that are allowed and others that are not. */
export type Verdict = 'flat' | 'unclear' | 'grows';

export function verdictOf({ low, high }: Slope, allowed: number): Verdict {
  if (!(low <= allowed)) return 'grows';
  return high <= allowed ? 'flat' : 'unclear';
}
