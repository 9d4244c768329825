import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { BatcherOptions } from '../../src/batch/batcher.ts';
import { paddingPlanOf } from '../../src/batch/padding-plan.ts';
import type { GatewayError } from '../../src/errors.ts';
import type { BatchDone } from '../../src/events.ts';
import type { Execution, ExecutionResult, Inference, ModelSignature } from '../../src/inference.ts';
import type { Tensor } from '../../src/tensor.ts';
import { identity } from './fake-executor.ts';
import { type Bench, bench, ints, request, turn, valuesOf } from './requests.ts';

const FILLER = -7;
const TWO: ModelSignature = {
  inputs: [
    { name: 'x', datatype: 'INT32', shape: [-1, -1] },
    { name: 'mask', datatype: 'INT32', shape: [-1, -1] },
  ],
  outputs: [{ name: 'x', datatype: 'INT32', shape: [-1, -1] }],
};
const ONE: ModelSignature = { inputs: [TWO.inputs[0] as (typeof TWO.inputs)[0]], outputs: TWO.outputs };

function paddedBench(multipleOf = 1, signature = ONE, more: Partial<BatcherOptions> = {}): Bench {
  const inputs = Object.fromEntries(
    signature.inputs.map(({ name }) => [name, { axis: 1, value: name === 'x' ? FILLER : 0, multipleOf }]),
  );
  const padding = paddingPlanOf({ inputs, outputs: { x: { axis: 1 } } }, signature, 8);
  return bench({ signature, padding, maxQueueDelayMs: 'auto', ...more });
}

/** Rows of `length` numbers that nobody else has. */
function line(nonce: number, length: number, rows = 1): Tensor {
  return ints(
    Array.from({ length: rows * length }, (_, i) => nonce * 1000 + i),
    rows,
  );
}

/** Runs of one row and of two, each of the same time: the weights are what costs. */
async function learn({ batcher, executor }: Bench, length: number, inferMs: (rows: number) => number) {
  for (const rows of [1, 2, 4, 1, 2, 4]) {
    const asked = batcher.submit(request(line(0, length, rows)));
    await executor.reached(executor.started.length + 1);
    end(executor.started.at(-1), inferMs);
    await asked.result;
    await turn();
  }
}

function end(started: Bench['executor']['started'][0] | undefined, inferMs: (rows: number) => number): void {
  if (started === undefined) return;
  started.succeed({ ...identity(started.execution), inferMs: inferMs(started.execution.rows) });
}

function inputRows({ inputs }: Execution): number[][] {
  const [{ shape, parts }] = inputs as [Execution['inputs'][0]];
  const values = [...new Int32Array(new Uint8Array(Buffer.concat(parts)).buffer)];
  const [rows = 0, length = 0] = shape;
  return Array.from({ length: rows }, (_, row) => values.slice(row * length, (row + 1) * length));
}

test('lengths of one bucket share a batch, padded to the longest, and each gets back its own', async () => {
  const { batcher, executor } = paddedBench();
  const first = batcher.submit(request(line(9, 40)));
  await executor.reached(1);
  const asked = [33, 36, 34].map((length, i) => batcher.submit(request(line(i, length))));
  executor.started[0]?.succeed();
  await executor.reached(2);
  const { execution } = executor.started[1] as Bench['executor']['started'][0];
  assert.deepEqual(execution.inputs[0]?.shape, [3, 36]);
  assert.deepEqual(inputRows(execution)[0]?.slice(33), [FILLER, FILLER, FILLER]);
  executor.started[1]?.succeed();
  for (const [i, { result }] of asked.entries()) {
    const answer = await result;
    const own = line(i, [33, 36, 34][i] as number);
    assert.deepEqual(answer.outputs[0]?.shape, own.shape);
    assert.deepEqual(Buffer.compare(answer.outputs[0]?.data as Uint8Array, own.data), 0);
  }
  await first.result;
});

test('one that runs alone is not padded, except to a multiple that was asked for', async () => {
  for (const [multipleOf, length] of [
    [1, 33],
    [8, 40],
  ] as const) {
    const { batcher, executor } = paddedBench(multipleOf);
    const { result } = batcher.submit(request(line(1, 33)));
    await executor.reached(1);
    assert.deepEqual(executor.started[0]?.execution.inputs[0]?.shape, [1, length]);
    executor.started[0]?.succeed();
    assert.deepEqual((await result).outputs[0]?.shape, [1, 33]);
  }
});

async function runsFor(costMs: (rows: number) => number, lengths: readonly number[]): Promise<number[]> {
  const one = paddedBench();
  for (const length of [32, 64]) await learn(one, length, costMs);
  const { batcher, executor } = one;
  const busy = batcher.submit(request(line(0, 64)));
  const before = executor.started.length + 1;
  await executor.reached(before);
  const asked = lengths.map((length, i) => batcher.submit(request(line(i, length))));
  for (let run = before; ; run++) {
    end(executor.started[run - 1], costMs);
    const done = await Promise.race([
      Promise.all(asked.map(({ result }) => result)).then(() => true),
      executor.reached(run + 1).then(() => false),
    ]);
    if (done) break;
  }
  await busy.result;
  return executor.started.slice(before).map(({ execution }) => execution.rows);
}

test('other lengths ride along where a run costs the same whatever is in it', async () => {
  assert.deepEqual(await runsFor(() => 10, [32, 48, 64, 40]), [4]);
});

test('other lengths run apart where each row costs', async () => {
  assert.deepEqual(await runsFor(rows => 10 * rows ** 1.2, [32, 48, 64, 40]), [1, 1, 1, 1]);
});

test('a mask that is not as long as its ids rides with nobody else', async () => {
  const { batcher, executor } = paddedBench(1, TWO);
  const ask = (ids: number, mask: number): Inference => {
    const { data, shape } = line(1, mask);
    return request([line(1, ids), { name: 'mask', datatype: 'INT32', shape, data }]);
  };
  const busy = batcher.submit(ask(100, 100));
  await executor.reached(1);
  const asked = [ask(40, 40), ask(40, 39), ask(39, 39)].map(inference => batcher.submit(inference));
  for (let run = 0; run < 3; run++) {
    await executor.reached(run + 1);
    executor.started[run]?.succeed();
  }
  const shapes = executor.started.slice(1).map(({ execution }) => execution.inputs.map(({ shape }) => shape));
  assert.deepEqual(shapes, [
    [
      [2, 40],
      [2, 40],
    ],
    [
      [1, 40],
      [1, 39],
    ],
  ]);
  for (const { result } of [busy, ...asked]) await result;
});

test('what was padded is counted', async () => {
  const { batcher, executor, events } = paddedBench();
  const done: BatchDone[] = [];
  events.on('batch:done', event => done.push(event));
  const busy = batcher.submit(request(line(0, 10)));
  await executor.reached(1);
  const asked = [33, 36].map((length, i) => batcher.submit(request(line(i, length))));
  executor.started[0]?.succeed();
  await executor.reached(2);
  executor.started[1]?.succeed();
  for (const { result } of [busy, ...asked]) await result;
  assert.deepEqual(
    done.map(({ elements, paddingElements }) => [elements, paddingElements]),
    [
      [10, 0],
      [72, 3],
    ],
  );
});

test('padded rows of an allowed size are counted as elements too', async () => {
  const { batcher, executor, events } = bench({ allowedBatchSizes: [4] });
  const done: BatchDone[] = [];
  events.on('batch:done', event => done.push(event));
  const { result } = batcher.submit(request(ints([1, 2, 3, 4, 5, 6], 3)));
  await executor.reached(1);
  executor.started[0]?.succeed();
  await result;
  assert.deepEqual([done[0]?.elements, done[0]?.paddingElements], [8, 2]);
});

test('an output without the axis that is to be cut is the model’s fault', async () => {
  const { batcher, executor } = paddedBench(8);
  const { result } = batcher.submit(request(line(1, 33)));
  await executor.reached(1);
  const flat: ExecutionResult = {
    outputs: [{ name: 'x', datatype: 'INT32', shape: [1], data: new Uint8Array(4) }],
    inferMs: 1,
  };
  executor.started[0]?.succeed(flat);
  await assert.rejects(
    result,
    (error: GatewayError) => error.code === 'model-failed' && /axis 1/.test(error.message),
  );
});

test('any mix of lengths and rows: each answer is its own request, and no batch is too large', async () => {
  const asks = fc.array(
    fc.record({ length: fc.integer({ min: 0, max: 100 }), rows: fc.integer({ min: 1, max: 12 }) }),
    { minLength: 1, maxLength: 25 },
  );
  const costs = fc.constantFrom<(rows: number) => number>(
    () => 10,
    rows => rows,
    rows => 3 + rows,
  );
  await fc.assert(
    fc.asyncProperty(asks, costs, fc.constantFrom(1, 8), async (mix, costMs, multipleOf) => {
      const { batcher, executor } = paddedBench(multipleOf, ONE, { maxQueueRows: 1000, maxSignatures: 100 });
      const asked = mix.map(({ length, rows }, i) =>
        batcher.submit(request(line(i, length, rows), { rows })),
      );
      const all = Promise.all(asked.map(({ result }) => result));
      for (let run = 0; ; run++) {
        const done = await Promise.race([all.then(() => true), executor.reached(run + 1).then(() => false)]);
        if (done) break;
        assert.ok((executor.started[run]?.execution.rows as number) <= 8);
        end(executor.started[run], costMs);
      }
      for (const [i, answer] of (await all).entries()) {
        const { length, rows } = mix[i] as (typeof mix)[0];
        assert.deepEqual(answer.outputs[0]?.shape, [rows, length]);
        assert.deepEqual(valuesOf(answer), [
          ...new Int32Array(new Uint8Array(line(i, length, rows).data).buffer),
        ]);
      }
      assert.equal(batcher.queuedRows + batcher.queuedBytes, 0);
    }),
    { numRuns: 60 },
  );
});
