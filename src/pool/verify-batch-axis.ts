/**
 * Is the first axis a batch axis? A dynamic first dimension need not be one, and guessing wrong mixes callers'
 * answers. So: run rows alone and together, in more than one order, and compare each row's answers.
 */
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../inference.ts';
import type { Tensor } from '../tensor.ts';
import { differenceOf, splitRows } from './compare-outputs.ts';
import { executionOf, rowsAreAlike, type Sample } from './sample-rows.ts';
import { isUnavailable, reasonOf } from './worker-failure.ts';

export type Run = (execution: Execution) => Promise<ExecutionResult>;

export type Verdict =
  | { readonly kind: 'independent' }
  | { readonly kind: 'dependent'; readonly why: string }
  /** The samples cannot tell. */
  | { readonly kind: 'unclear'; readonly why: string };

const TOGETHER = [
  [0, 1],
  [1, 0, 2],
];

/** Undefined when every input's first dimension is free; otherwise which is not, for a person. */
export function fixedInputAxis({ inputs }: ModelSignature): string | undefined {
  return fixedAxis('input', inputs);
}

/** As `fixedInputAxis`, with the outputs. */
export function fixedAxisOf({ inputs, outputs }: ModelSignature): string | undefined {
  return fixedAxis('input', inputs) ?? fixedAxis('output', outputs);
}

function fixedAxis(what: string, specs: ModelSignature['inputs']): string | undefined {
  const fixed = specs.find(spec => spec.shape[0] !== -1);
  return fixed && `${what} '${fixed.name}' has shape [${fixed.shape}], whose first dimension is not free`;
}

/** Runs one input twice and compares the bits. `first` is the answer already had for it. */
export async function isDeterministic(run: Run, sample: Sample, first: ExecutionResult): Promise<boolean> {
  const again = await run(executionOf(sample, [0]));
  return first.outputs.every((output, i) => {
    const other = again.outputs[i];
    return other !== undefined && Buffer.compare(output.data, other.data) === 0;
  });
}

/** `first` is the answer for row 0 alone. Rejects only when the worker itself fails. */
export async function verifyBatchAxis(
  run: Run,
  sample: Sample,
  first: ExecutionResult,
  deterministic: boolean,
): Promise<Verdict> {
  const alone = [first, await run(executionOf(sample, [1])), await run(executionOf(sample, [2]))];
  for (const rows of TOGETHER) {
    const why = await compareTogether(run, sample, alone, rows);
    if (why === undefined) continue;
    return deterministic
      ? { kind: 'dependent', why }
      : { kind: 'unclear', why: 'the model answers one input differently each time' };
  }
  return rowsAreAlike(sample)
    ? { kind: 'unclear', why: 'every row of the warm-up sample is the same, so mixed rows would not show' }
    : { kind: 'independent' };
}

async function compareTogether(
  run: Run,
  sample: Sample,
  alone: readonly ExecutionResult[],
  rows: readonly number[],
): Promise<string | undefined> {
  let together: ExecutionResult;
  try {
    together = await run(executionOf(sample, rows));
  } catch (error) {
    if (!(error instanceof GatewayError) || isUnavailable(error)) throw error;
    return `the model fails on a batch of ${rows.length} rows: ${reasonOf(error)}`;
  }
  for (const [at, output] of together.outputs.entries()) {
    const why = compareOutput(
      output,
      alone.map(one => one.outputs[at]),
      rows,
    );
    if (why !== undefined) return why;
  }
  return undefined;
}

function compareOutput(
  output: Tensor,
  alone: readonly (Tensor | undefined)[],
  rows: readonly number[],
): string | undefined {
  const split = splitRows(output, rows.length);
  if (split === undefined) {
    return `output '${output.name}' has shape [${output.shape}] for a batch of ${rows.length} rows`;
  }
  for (const [at, row] of rows.entries()) {
    const expected = alone[row];
    if (expected === undefined || splitRows(expected, 1) === undefined) {
      return `output '${output.name}' has shape [${expected?.shape ?? ''}] for a batch of 1 row`;
    }
    const difference = differenceOf(output.datatype, expected.data, split[at] as Uint8Array);
    if (difference === undefined) continue;
    return `output '${output.name}' of one row changes with the other rows of its batch: ${difference}`;
  }
  return undefined;
}
