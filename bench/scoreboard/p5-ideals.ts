/** The ideals that P5's tail is held against: the same arrivals and rules, with runs that take differently long. */
import { drawnLatency, type MeasuredRun } from '../simulator/drawn-latency.ts';
import { type Ideal, idealTail, type Setting } from '../simulator/ideal.ts';
import type { RunTime } from '../simulator/latency-table.ts';
import type { Arrival } from '../simulator/queue.ts';
import { runTimeAsOf, type TimedRun } from '../simulator/run-time-as-of.ts';

export interface Ideals {
  /** Every run takes the median of its size. */
  readonly usual: Ideal;
  /** Drawn from the runs of ONNX Runtime alone. */
  readonly rawRuns: Ideal;
  /** Drawn from Headgate's own. */
  readonly servedRuns: Ideal;
  /** As Headgate's own did at the same moment. */
  readonly servedRunsInTime: Ideal;
}

export function idealsOf(
  setting: Setting,
  arrivals: readonly Arrival[],
  rawRuns: readonly MeasuredRun[],
  servedRuns: readonly TimedRun[],
): Ideals {
  const ideal = (draw?: () => RunTime) => idealTail(setting, arrivals, draw);
  const drawn = (runs: readonly MeasuredRun[]) => ideal(() => drawnLatency(runs, setting.service, 1));
  const inTime = runTimeAsOf(servedRuns, setting.service);
  return {
    usual: ideal(),
    rawRuns: drawn(rawRuns),
    servedRuns: drawn(servedRuns),
    servedRunsInTime: ideal(() => inTime),
  };
}
