/** What a simulated run comes to. */
import type { Simulated } from './queue.ts';

export interface Outcome {
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly meanBatch: number;
  readonly utilisation: number;
}

export function outcomeOf({ latenciesMs, batches, utilisation }: Simulated): Outcome {
  const sorted = latenciesMs.toSorted();
  return {
    meanMs: latenciesMs.reduce((sum, ms) => sum + ms, 0) / latenciesMs.length,
    p50Ms: below(sorted, 0.5),
    p99Ms: below(sorted, 0.99),
    meanBatch: batches.reduce((sum, rows) => sum + rows, 0) / batches.length,
    utilisation,
  };
}

/** Requests answered within `sloMs`, per second. */
export function goodput({ latenciesMs, spanMs }: Simulated, sloMs: number): number {
  let good = 0;
  for (const ms of latenciesMs) if (ms <= sloMs) good++;
  return (good / spanMs) * 1000;
}

/** The smallest value that at least that share does not exceed. */
function below(sorted: Float64Array, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
