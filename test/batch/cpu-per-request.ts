/**
 * CPU of one request from `submit` to its settled result, with an executor that costs nothing:
 * `node_modules/.bin/node test/batch/cpu-per-request.ts`. Prints µs per request for each case.
 */
import { Batcher, type BatcherOptions } from '../../src/batch/batcher.ts';
import { RetryBudget } from '../../src/batch/retry-budget.ts';
import { createEvents } from '../../src/events.ts';
import type { Execution, ExecutionResult, Executor, Inference, ModelSignature } from '../../src/inference.ts';

const ROW_BYTES = 784 * 4;
const signature = (columns: number): ModelSignature => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, columns] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 10] }],
});
const reply = Buffer.alloc(1024 * 40);

/** Grants in the next microtask, answers in the next turn of the loop with a view of one buffer. */
const executor: Executor = {
  capacity: () => ({ free: 1, total: 1 }),
  acquire(grant) {
    queueMicrotask(() => grant({ kind: 'cpu', execute, release: () => {}, yieldNext: () => false }));
    return () => {};
  },
  acquireApart: () => () => {},
  tryElsewhere: () => undefined,
};
function execute({ rows }: Execution): Promise<ExecutionResult> {
  const outputs = [
    { name: 'y', datatype: 'FP32', shape: [rows, 10], data: reply.subarray(0, rows * 40) } as const,
  ];
  return new Promise(resolve => setImmediate(resolve, { outputs, inferMs: 1 }));
}

const CASES: readonly [string, Partial<BatcherOptions>, Partial<Inference>][] = [
  ['fixed shape, all outputs', {}, {}],
  ['fixed shape, outputs named', {}, { outputs: ['y'] }],
  ['dynamic shape', { signature: signature(-1) }, {}],
  ['queue delay 5 ms', { maxQueueDelayMs: 5 }, {}],
  ['preferred sizes', { preferredBatchSizes: [16, 32, 64] }, {}],
  ['alternating priorities', {}, { priority: 2 }],
];
const BATCH = 64;
const BATCHES = 4000;

async function measure(options: Partial<BatcherOptions>, rest: Partial<Inference>): Promise<number> {
  const batcher = new Batcher(
    {
      model: 'm',
      version: '1',
      signature: signature(784),
      maxBatchSize: BATCH,
      joinsRequests: true,
      maxQueueDelayMs: 0,
      sloMs: undefined,
      sendsAhead: false,
      measured: [],
      preferredBatchSizes: [],
      allowedBatchSizes: [],
      maxQueueRows: 1024,
      maxQueueBytes: 2 ** 26,
      maxSignatures: 64,
      hedges: false,
      retryBudget: new RetryBudget(0),
      now: () => performance.now(),
      ...options,
    },
    executor,
    createEvents(),
  );
  const data = Buffer.alloc(ROW_BYTES);
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 784], data } as const];
  const results = new Array<Promise<unknown>>(BATCH);
  const before = process.cpuUsage();
  for (let batch = 0; batch < BATCHES; batch++) {
    for (let i = 0; i < BATCH; i++) {
      const deadline = performance.now() + 1000;
      const priority = i & 1 ? (rest.priority ?? 1) : 1;
      results[i] = batcher.submit({
        inputs,
        outputs: undefined,
        rows: 1,
        deadline,
        ...rest,
        priority,
      }).result;
    }
    for (let i = 0; i < BATCH; i++) await results[i];
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (BATCHES * BATCH);
}

for (const [name, options, rest] of CASES) {
  await measure(options, rest);
  const runs = [];
  for (let run = 0; run < 3; run++) runs.push(await measure(options, rest));
  console.log(name.padEnd(28), runs.map(us => us.toFixed(2)).join('  '), 'µs');
}
