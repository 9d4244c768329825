/** Requests and batchers for the tests of this room. */
import { Batcher, type BatcherOptions } from '../../src/batch/batcher.ts';
import { RetryBudget } from '../../src/batch/retry-budget.ts';
import { createEvents, type Events } from '../../src/events.ts';
import type { Inference, InferenceResult, ModelSignature } from '../../src/inference.ts';
import type { Datatype, Tensor } from '../../src/tensor.ts';
import { FakeExecutor } from './fake-executor.ts';

export const FIXED: ModelSignature = {
  inputs: [{ name: 'x', datatype: 'INT32', shape: [-1, 2] }],
  outputs: [{ name: 'x', datatype: 'INT32', shape: [-1, 2] }],
};

export const DYNAMIC: ModelSignature = {
  inputs: [{ name: 'x', datatype: 'INT32', shape: [-1, -1] }],
  outputs: [{ name: 'x', datatype: 'INT32', shape: [-1, -1] }],
};

export const DEFAULTS: BatcherOptions = {
  model: 'm',
  version: '1',
  signature: FIXED,
  maxBatchSize: 8,
  maxQueueDelayMs: 0,
  sloMs: undefined,
  sendsAhead: false,
  measured: [],
  preferredBatchSizes: [],
  allowedBatchSizes: [],
  maxQueueRows: 100,
  maxQueueBytes: 1_000_000,
  joinsRequests: true,
  maxSignatures: 10,
  hedges: false,
  retryBudget: new RetryBudget(0),
  now: () => 0,
};

export interface Bench {
  readonly batcher: Batcher;
  readonly executor: FakeExecutor;
  readonly events: Events;
}

export function bench(options: Partial<BatcherOptions> = {}, slots = 1): Bench {
  const executor = new FakeExecutor(slots);
  const events = createEvents();
  const retryBudget = new RetryBudget(0);
  return {
    batcher: new Batcher({ ...DEFAULTS, retryBudget, ...options }, executor, events),
    executor,
    events,
  };
}

/** INT32 values, in `rows` rows of equal length. */
export function ints(values: readonly number[], rows = 1, name = 'x'): Tensor {
  const data = new Uint8Array(new Int32Array(values).buffer);
  return { name, datatype: 'INT32', shape: [rows, values.length / rows], data };
}

/** Texts, in `rows` rows of equal count. */
export function texts(values: readonly string[], rows = 1, name = 'x'): Tensor {
  const datatype: Datatype = 'BYTES';
  const parts = values.flatMap(value => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return { name, datatype, shape: [rows, values.length / rows], data: Buffer.concat(parts) };
}

/** `rows` rows of two numbers, each `tag`. */
export function tagged(tag: number, rows = 1): Tensor {
  return ints(new Array<number>(rows * 2).fill(tag), rows);
}

export function request(
  input: Tensor | readonly Tensor[],
  rest: Partial<Omit<Inference, 'inputs'>> = {},
): Inference {
  const inputs = 'name' in input ? [input] : input;
  const rows = inputs[0]?.shape[0] ?? 1;
  return { inputs, outputs: undefined, rows, deadline: Number.POSITIVE_INFINITY, priority: 1, ...rest };
}

/** The INT32 values of an answer's only output. */
export function valuesOf({ outputs }: Pick<InferenceResult, 'outputs'>): number[] {
  const { data } = outputs[0] as Tensor;
  return [...new Int32Array(new Uint8Array(data).buffer)];
}

/** Lets everything that is ready happen. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
