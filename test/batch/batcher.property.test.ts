import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../src/errors.ts';
import type { Submission } from '../../src/inference.ts';
import { ELEMENT_BYTES, type Tensor } from '../../src/tensor.ts';
import type { FakeExecutor } from './fake-executor.ts';
import { bench, ints, request, texts, turn } from './requests.ts';

const SIGNATURE = {
  inputs: [
    { name: 'n', datatype: 'INT32', shape: [-1, -1] },
    { name: 't', datatype: 'BYTES', shape: [-1, 1] },
  ],
  outputs: [
    { name: 'n', datatype: 'INT32', shape: [-1, -1] },
    { name: 't', datatype: 'BYTES', shape: [-1, 1] },
  ],
} as const;

const submit = fc.record({
  kind: fc.constant('submit' as const),
  rows: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.integer({ min: 5, max: 40 })),
  columns: fc.integer({ min: 1, max: 3 }),
  priority: fc.integer({ min: 1, max: 3 }),
  outputs: fc.constantFrom(undefined, ['t'], ['t', 'n'], ['n']),
});
const step = fc.oneof(
  { weight: 6, arbitrary: submit },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(100) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat(100), fails: fc.nat(9) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
);
const options = fc.record({
  maxBatchSize: fc.integer({ min: 1, max: 9 }),
  allowedBatchSizes: fc.constantFrom([], [4], [2, 6]),
  preferredBatchSizes: fc.constantFrom([], [3], [2, 4]),
  slots: fc.integer({ min: 1, max: 3 }),
});

/** Every row says whose it is: the numbers and the text both. */
function inputsOf(id: number, rows: number, columns: number): readonly Tensor[] {
  const row = (i: number): string => `${id}:${i}`.padEnd(3 + ((id + i) % 7), '.');
  const numbers = Array.from({ length: rows * columns }, (_, i) => id * 1000 + i);
  const words = Array.from({ length: rows }, (_, i) => row(i));
  return [ints(numbers, rows, 'n'), texts(words, rows, 't')];
}

function assertOwn(
  answer: readonly Tensor[],
  inputs: readonly Tensor[],
  wanted: readonly string[] | undefined,
): void {
  const expected = (wanted ?? ['n', 't']).map(name => inputs.find(input => input.name === name) as Tensor);
  assert.equal(answer.length, expected.length);
  answer.forEach((tensor, i) => {
    const own = expected[i] as Tensor;
    assert.deepEqual([tensor.name, tensor.shape], [own.name, own.shape]);
    assert.ok(Buffer.from(tensor.data).equals(own.data), 'an answer is its own input');
  });
}

/** A stack is one shape throughout, its bytes say so, and it is no larger than allowed. */
function assertWellFormed(executor: FakeExecutor, maxRows: number, allowed: readonly number[]): void {
  for (const { execution } of executor.started) {
    const [numbers, words] = execution.inputs;
    assert.ok(numbers !== undefined && words !== undefined);
    assert.ok(execution.rows >= 1 && execution.rows <= maxRows);
    if (allowed.length > 0)
      assert.ok(allowed.includes(execution.rows) || execution.rows > (allowed.at(-1) ?? 0));
    const { rows } = execution;
    const columns = numbers.shape[1] as number;
    const bytes = numbers.parts.reduce((sum, part) => sum + part.byteLength, 0);
    assert.equal(bytes, rows * columns * ELEMENT_BYTES.INT32);
    for (const part of numbers.parts) assert.equal(part.byteLength % (columns * ELEMENT_BYTES.INT32), 0);
    assert.deepEqual([numbers.shape[0], words.shape], [rows, [rows, 1]]);
  }
}

interface Expected {
  readonly submission: Submission;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[] | undefined;
}

test('whatever is submitted, cancelled and failed, every answer is its own, once, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(options, fc.array(step, { minLength: 1, maxLength: 60 }), async (knobs, steps) => {
      const { maxBatchSize, slots } = knobs;
      const allowed = knobs.allowedBatchSizes.filter(size => size <= maxBatchSize);
      const { batcher, executor } = bench(
        { ...knobs, allowedBatchSizes: allowed, signature: SIGNATURE, maxQueueRows: 200, maxSignatures: 8 },
        slots,
      );
      const submitted: Expected[] = [];
      const settled = new Map<number, number>();
      const finished = new Set<number>();
      const finish = (which: number, fails: boolean): void => {
        const open = executor.started.map((_, i) => i).filter(i => !finished.has(i));
        const index = open[which % open.length];
        if (index === undefined) return;
        finished.add(index);
        if (fails) executor.started[index]?.fail(new GatewayError('model-failed', 'no'));
        else executor.started[index]?.succeed();
      };
      for (const one of steps) {
        if (one.kind === 'turn') await turn();
        else if (one.kind === 'finish') finish(one.which, one.fails === 0);
        else if (one.kind === 'cancel') {
          submitted[one.which % Math.max(1, submitted.length)]?.submission.cancel(
            new GatewayError('cancelled', 'gone'),
          );
        } else {
          const id = submitted.length;
          const { rows, columns, priority, outputs } = one;
          const inputs = inputsOf(id, rows, columns);
          const submission = batcher.submit(request(inputs, { priority, outputs }));
          const count = (): void => void settled.set(id, (settled.get(id) ?? 0) + 1);
          submission.result.then(count, count);
          submitted.push({ submission, inputs, outputs });
        }
      }
      const drained = batcher.drain();
      for (let idle = 0; idle < 3; ) {
        await turn();
        idle = finished.size === executor.started.length ? idle + 1 : 0;
        finish(0, false);
      }
      await drained;

      const results = await Promise.allSettled(submitted.map(({ submission }) => submission.result));
      results.forEach((result, id) => {
        const { inputs, outputs } = submitted[id] as Expected;
        if (result.status === 'fulfilled') assertOwn(result.value.outputs, inputs, outputs);
        else
          assert.match(
            `${result.reason.code} ${result.reason.message}`,
            /^(cancelled gone|model-failed no|overloaded .*)$/,
          );
        assert.equal(settled.get(id), 1);
      });
      assert.deepEqual([batcher.queuedRows, batcher.queuedBytes, executor.outstanding], [0, 0, 0]);
      assertWellFormed(executor, maxBatchSize, allowed);
    }),
    { numRuns: 300 },
  );
});
