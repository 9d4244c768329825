/** Which loads `headgate bench` sends, one after the other. */

import { findHighestRate } from '../load/find-rate.ts';
import type { ModelLoad } from '../load/model-load.ts';
import type { BenchMode } from './bench-flags.ts';
import { closedMeasurement, isOverloaded, type Measurement, openMeasurement } from './bench-measurement.ts';
import type { BenchProgress } from './bench-progress.ts';
import { perSecond } from './bench-units.ts';

export interface BenchRuns {
  readonly load: Pick<ModelLoad, 'closed' | 'open'>;
  readonly seconds: number;
  readonly maxConnections: number;
  readonly progress: BenchProgress;
  /** Collects what was measured, in order: it holds what there is when a run is stopped half-way. */
  readonly measurements: Measurement[];
}

/** Requests per second found by `--find`; undefined in the other modes. */
export async function runBench(runs: BenchRuns, mode: BenchMode): Promise<number | undefined> {
  switch (mode.kind) {
    case 'connections':
      await closed(runs, mode.connections, runs.seconds);
      return undefined;
    case 'rate':
      await open(runs, mode.ratePerSecond, mode.isConstant);
      return undefined;
    case 'survey': {
      const saturation = await saturate(runs);
      for (const share of [0.5, 0.7, 0.9]) if (saturation > 0) await open(runs, saturation * share);
      return undefined;
    }
    case 'find': {
      const saturation = await saturate(runs);
      if (saturation === 0) return 0;
      return findHighestRate(rate => meets(runs, rate, mode.sloMs), { high: saturation });
    }
  }
}

const CONNECTIONS = [1, 8, 32, 128, 512];
/** More connections that bring no more than this are not worth their waiting. */
const GAIN = 1.05;

/** The most correct answers per second. Ends when more connections have twice brought no more, or there are no more. */
async function saturate(runs: BenchRuns): Promise<number> {
  let best = 0;
  let withoutGain = 0;
  for (const connections of CONNECTIONS) {
    if (connections > Math.max(1, runs.maxConnections)) break;
    const { okPerSecond } = await closed(runs, connections, runs.seconds / 2);
    withoutGain = okPerSecond > best * GAIN ? 0 : withoutGain + 1;
    best = Math.max(best, okPerSecond);
    if (withoutGain === 2) break;
  }
  return best;
}

async function meets(runs: BenchRuns, rate: number, sloMs: number): Promise<boolean> {
  const measurement = await open(runs, rate);
  return !isOverloaded(measurement) && measurement.okMs.p99 <= sloMs;
}

async function closed(runs: BenchRuns, connections: number, seconds: number): Promise<Measurement> {
  runs.progress.step(`closed loop, ${connections} connection${connections === 1 ? '' : 's'}`, seconds * 1.25);
  const measurement = closedMeasurement(connections, await runs.load.closed(connections, seconds));
  runs.measurements.push(measurement);
  return measurement;
}

async function open(runs: BenchRuns, rate: number, isConstant = false): Promise<Measurement> {
  runs.progress.step(`open loop, ${perSecond(rate)} requests/s`, runs.seconds);
  const measurement = openMeasurement(rate, await runs.load.open(rate, runs.seconds, isConstant));
  runs.measurements.push(measurement);
  return measurement;
}
