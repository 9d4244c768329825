/** How many rows of a model to run at once, where nobody has said: as long as a row costs less in a larger batch. */
import { GatewayError } from '../errors.ts';
import { batchSizes } from './batch-sizes.ts';
import { faster, fastestOf, isLong, type SizeTime, type TimedRun, worthDoubling } from './run-times.ts';
import { repeated, rowBytes, type Sample } from './sample-rows.ts';
import type { Run } from './verify-batch-axis.ts';
import type { VersionSpec } from './version-spec.ts';
import { isUnavailable, reasonOf } from './worker-failure.ts';

/** Of each size, and once more as many where they decide. */
const RUNS = 2;

export type BatchLimits = Pick<VersionSpec, 'maxBatchSize' | 'batchSizes' | 'derivedMaxBatchSize'>;

/**
 * Tries every size; 0 for a model without a batch axis. A maximum that was given must run; a derived one gives way to
 * the largest that runs, and to the one beyond which no gain is seen. Rejects with `model-failed`.
 */
export async function largestBatch(
  run: Run,
  sample: Sample,
  batched: boolean,
  limits: BatchLimits,
): Promise<number> {
  const wanted = batched ? (limits.maxBatchSize ?? limits.derivedMaxBatchSize) : 0;
  const timed = timedRun(run);
  const times: SizeTime[] = [];
  for (const size of batchSizes(wanted, limits.batchSizes)) {
    if (isOpen(limits) && !(await paysToGrow(timed, sample, times))) break;
    try {
      times.push(await timeOf(timed, sample, size, isOpen(limits)));
    } catch (error) {
      if (!(error instanceof GatewayError) || isUnavailable(error)) throw error;
      if (limits.maxBatchSize === undefined && times.length > 0) break;
      throw new GatewayError('model-failed', `the model fails at batch size ${size}: ${reasonOf(error)}`);
    }
  }
  return batched ? (times.at(-1)?.rows ?? 0) : 0;
}

/** Nobody has said how large batches are to be. */
function isOpen({ maxBatchSize, batchSizes: allowed }: BatchLimits): boolean {
  return maxBatchSize === undefined && allowed.length === 0;
}

function timedRun(run: Run): TimedRun {
  return async execution => {
    const startedMs = performance.now();
    const { inferMs } = await run(execution);
    return { inferMs, roundTripMs: performance.now() - startedMs };
  };
}

async function timeOf(run: TimedRun, sample: Sample, rows: number, repeats: boolean): Promise<SizeTime> {
  const execution = repeated(sample, rows);
  return { rows, ...(repeats ? await fastestOf(run, execution, RUNS) : await run(execution)) };
}

/** Before it gives up it looks again at the last two sizes: a noisy moment must not decide. */
async function paysToGrow(run: TimedRun, sample: Sample, times: SizeTime[]): Promise<boolean> {
  const bytes = rowBytes(sample);
  if (worthDoubling(times, bytes)) return true;
  for (const [at, time] of [...times.entries()].slice(-2)) {
    if (isLong(time)) return false;
    times[at] = { rows: time.rows, ...faster(time, await fastestOf(run, repeated(sample, time.rows), RUNS)) };
  }
  return worthDoubling(times, bytes);
}
