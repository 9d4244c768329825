/** Runs that take as long as measured ones did at the same moment: a machine that is slow for a while, played again. */
import type { MeasuredRun } from './drawn-latency.ts';
import type { Latency, RunTime } from './latency-table.ts';

export interface TimedRun extends MeasuredRun {
  /** When it began, ms on the arrivals' clock. */
  readonly at: number;
}

/** A run takes what the measured run that began nearest to it took, times what `usual` says lies between the two sizes. */
export function runTimeAsOf(measured: readonly TimedRun[], usual: Latency): RunTime {
  const runs = measured.toSorted((a, b) => a.at - b.at);
  if (runs.length === 0) throw new Error('no measured run to go by');
  return (rows, at) => {
    const { ms, rows: measuredRows } = nearest(runs, at);
    return ms * (usual(rows) / usual(measuredRows));
  };
}

function nearest(runs: readonly TimedRun[], at: number): TimedRun {
  let [before, after] = [0, runs.length - 1];
  while (after - before > 1) {
    const middle = (before + after) >> 1;
    if ((runs[middle] as TimedRun).at <= at) before = middle;
    else after = middle;
  }
  const [earlier, later] = [runs[before] as TimedRun, runs[after] as TimedRun];
  return at - earlier.at <= later.at - at ? earlier : later;
}
