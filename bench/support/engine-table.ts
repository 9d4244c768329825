/** What ONNX Runtime alone takes for each batch size, as the simulator wants it. */
import { availableParallelism } from 'node:os';
import { defaultInstances } from '../../src/config/default-instances.ts';
import type { MeasuredRun } from '../simulator/drawn-latency.ts';
import { type Latency, type LatencyPoint, latencyOf } from '../simulator/latency-table.ts';
import type { BenchModel } from './bench-models.ts';
import { bestBatch, RawOrt, shortOfReference } from './raw-ort.ts';

/** Instances a model has on the CPU without being configured. */
export const DEFAULT_INSTANCES = defaultInstances(availableParallelism());

export interface EngineTable {
  readonly points: readonly LatencyPoint[];
  readonly latency: Latency;
  readonly maxRows: number;
  readonly runs: readonly MeasuredRun[];
  /** Rows per second of all processes at the best batch. */
  readonly bestPerSecond: number;
  /** CPU of a row there, µs. */
  readonly bestCpuUs: number;
  /** Why it is too poor a baseline. */
  readonly isVoid?: string;
}

export interface EngineRun {
  readonly batches: readonly number[];
  readonly seconds: number;
  /** As many as the server has instances. */
  readonly processes: number;
}

/** Median runs, in so many processes at the same time. The answers are checked. */
export async function measureEngine(model: BenchModel, run: EngineRun): Promise<EngineTable> {
  await using ort = await RawOrt.start(model, { processes: run.processes });
  const timings = await ort.measure(run.batches, run.seconds, model.expected);
  const points = timings.map(({ batch, p50Ms }) => ({ rows: batch, ms: p50Ms }));
  const best = bestBatch(timings);
  const isVoid = shortOfReference(model.name, timings);
  return {
    points,
    latency: latencyOf(points),
    maxRows: run.batches.at(-1) ?? 1,
    runs: timings.flatMap(({ batch, runsMs }) => Array.from(runsMs, ms => ({ rows: batch, ms }))),
    bestPerSecond: best.rowsPerSecond,
    bestCpuUs: best.cpuUsPerRow,
    ...(isVoid !== undefined && { isVoid }),
  };
}
