/** Gets to know a freshly loaded model, in a scratch worker: does it run, is it deterministic, may it be batched? */
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../inference.ts';
import { batchSizes } from './batch-sizes.ts';
import { type BatchLimits, largestBatch } from './largest-batch.ts';
import { sampleCandidates } from './sample-candidates.ts';
import { executionOf, repeated, type Sample } from './sample-rows.ts';
import {
  fixedAxisOf,
  fixedInputAxis,
  isDeterministic,
  type Run,
  type Verdict,
  verifyBatchAxis,
} from './verify-batch-axis.ts';
import type { Verification, VersionSpec } from './version-spec.ts';
import { isUnavailable, reasonOf } from './worker-failure.ts';

export interface Examined {
  readonly signature: ModelSignature;
  readonly maxBatchSize: number;
  readonly deterministic: boolean;
  readonly verification: Verification;
  /** Runs to warm each instance with; empty when no sample could be made. */
  readonly warmUp: readonly Execution[];
  readonly warmed: readonly number[];
  /** Undefined when no sample could be made. */
  readonly sample: Sample | undefined;
}

type Batching = BatchLimits & Pick<VersionSpec, 'warmup'>;

/** Rejects with `invalid` when the configuration and the model contradict each other, `model-failed` when it cannot run. */
export async function examine(run: Run, signature: ModelSignature, spec: Batching): Promise<Examined> {
  const fixed = fixedReason(signature, spec);
  const batched = fixed === undefined;
  const found = await findSample(run, signature, batched, spec);
  if (typeof found === 'string') return unexamined(signature, spec, fixed ?? `no sample input: ${found}`);
  const { sample, first } = found;
  const deterministic = await isDeterministic(run, sample, first);
  const verdict: Verdict = batched
    ? await verifyBatchAxis(run, sample, first, deterministic)
    : { kind: 'unclear', why: fixed };
  const verification = judge(spec, verdict);
  const maxBatchSize = await largestBatch(run, sample, verification.kind !== 'none', spec);
  const warmed = batchSizes(maxBatchSize, spec.batchSizes);
  const others = await otherSamples(run, signature, maxBatchSize, spec);
  const warmUp = [...warmed.map(size => repeated(sample, size)), ...others];
  return { signature, maxBatchSize, deterministic, verification, warmUp, warmed, sample };
}

/** Why there is no batch axis to verify; undefined when there may be one. */
function fixedReason(signature: ModelSignature, { maxBatchSize }: Batching): string | undefined {
  if (maxBatchSize === 0) return 'maxBatchSize is 0';
  if (maxBatchSize === undefined) return fixedAxisOf(signature);
  const fixed = fixedInputAxis(signature);
  if (fixed === undefined) return undefined;
  throw new GatewayError('invalid', `maxBatchSize is ${maxBatchSize}, but ${fixed}: set maxBatchSize to 0`);
}

interface Found {
  readonly sample: Sample;
  readonly first: ExecutionResult;
}

/** The first candidate that runs, or why none did. A sample that the configuration gave must run. */
async function findSample(
  run: Run,
  signature: ModelSignature,
  batched: boolean,
  { warmup: [given] }: Batching,
): Promise<Found | string> {
  let why = 'every input is too large to make up';
  for (const sample of sampleCandidates(signature, batched, given)) {
    try {
      const first = await run(executionOf(sample, [0]));
      if (first.outputs.every(output => output.data.byteLength > 0)) return { sample, first };
      why = 'the model answered with empty outputs';
    } catch (error) {
      if (!(error instanceof GatewayError) || isUnavailable(error)) throw error;
      why = reasonOf(error);
    }
  }
  if (given === undefined) return why;
  throw new GatewayError('model-failed', `the model fails on its first warm-up sample: ${why}`);
}

function unexamined(signature: ModelSignature, spec: Batching, why: string): Examined {
  const maxBatchSize = spec.maxBatchSize ?? 0;
  const detail =
    maxBatchSize > 0
      ? `maxBatchSize is trusted: ${why}; give one in warmup to have it verified`
      : `not batched: ${why}`;
  const verification: Verification = { kind: maxBatchSize > 0 ? 'trusted' : 'none', detail };
  return {
    signature,
    maxBatchSize,
    deterministic: false,
    verification,
    warmUp: [],
    warmed: [],
    sample: undefined,
  };
}

function judge({ maxBatchSize }: Batching, verdict: Verdict): Verification {
  if (maxBatchSize === 0) return { kind: 'none', detail: 'maxBatchSize is 0' };
  if (verdict.kind === 'independent') {
    return { kind: 'verified', detail: 'rows gave the same answers alone and together' };
  }
  if (maxBatchSize === undefined) return { kind: 'none', detail: `not batched: ${verdict.why}` };
  if (verdict.kind === 'unclear') {
    return { kind: 'trusted', detail: `maxBatchSize is trusted: ${verdict.why}` };
  }
  throw new GatewayError(
    'invalid',
    `maxBatchSize is ${maxBatchSize}, but the model's first axis is no batch axis: ${verdict.why}; ` +
      'set maxBatchSize to 0, or export the model so that its rows are independent',
  );
}

/** The configuration's samples after the first, each at its own batch size, seen to run. */
async function otherSamples(
  run: Run,
  signature: ModelSignature,
  maxBatchSize: number,
  { warmup }: Batching,
): Promise<readonly Execution[]> {
  const executions: Execution[] = [];
  for (const [at, given] of warmup.entries()) {
    if (given.batchSize > Math.max(1, maxBatchSize)) {
      throw new GatewayError(
        'invalid',
        `warmup[${at}].batchSize is ${given.batchSize}, above maxBatchSize ${maxBatchSize}`,
      );
    }
    const [sample] = sampleCandidates(signature, maxBatchSize > 0, given);
    if (sample === undefined || (at === 0 && given.batchSize === 1)) continue;
    const execution = repeated(sample, given.batchSize);
    await run(execution);
    executions.push(execution);
  }
  return executions;
}
