/** Runs that take as long as measured ones did, each its own time, instead of all of a size the same. */
import { uniform } from '../../test/support/random.ts';
import type { Latency } from './latency-table.ts';

export interface MeasuredRun {
  readonly rows: number;
  readonly ms: number;
}

/** Sizes at most so many times larger or smaller are drawn from. */
const NEAR = 1.5;
/** Where fewer runs are near, so many of the nearest are. */
const LEAST_RUNS = 20;

/**
 * A run takes what one of the measured runs near its size took, times what `usual` says lies between the two sizes.
 * Every use of the result draws again, from a fixed seed. `measured`: at least one.
 */
export function drawnLatency(measured: readonly MeasuredRun[], usual: Latency, seed: number): Latency {
  if (measured.length === 0) throw new Error('no measured run to draw from');
  const random = uniform(seed);
  const nearest = new Map<number, readonly MeasuredRun[]>();
  return rows => {
    const runs = nearest.get(rows) ?? nearestTo(measured, rows);
    nearest.set(rows, runs);
    const drawn = runs[Math.floor(random() * runs.length)] as MeasuredRun;
    return drawn.ms * (usual(rows) / usual(drawn.rows));
  };
}

function nearestTo(measured: readonly MeasuredRun[], rows: number): readonly MeasuredRun[] {
  const away = (run: MeasuredRun) => Math.max(run.rows, rows) / Math.min(run.rows, rows);
  const sorted = measured.toSorted((a, b) => away(a) - away(b));
  const near = sorted.filter(run => away(run) <= NEAR).length;
  return sorted.slice(0, Math.max(near, LEAST_RUNS));
}
