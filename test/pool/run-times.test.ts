import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Execution } from '../../src/inference.ts';
import { largestBatch } from '../../src/pool/largest-batch.ts';
import { fastestOf, type SizeTime, worthDoubling, worthRepeating } from '../../src/pool/run-times.ts';
import { type Sample, sampleInput } from '../../src/pool/sample-rows.ts';

const sample: Sample = { inputs: [sampleInput('x', 'FP32', [4], 'random')], batched: true };
const open = { maxBatchSize: undefined, batchSizes: [], derivedMaxBatchSize: 256 };
const none: Execution = { inputs: [], outputs: undefined, rows: 1 };

/** Sizes 1, 2, 4 … at these times. */
const timesOf = (...inferMs: readonly number[]): SizeTime[] =>
  inferMs.map((ms, i) => ({ rows: 2 ** i, inferMs: ms, roundTripMs: ms }));

const doubling: readonly [string, SizeTime[], number, boolean][] = [
  ['nothing is known yet', [], 4, true],
  ['few rows, though they gain nothing', timesOf(1, 3, 9), 4, true],
  ['each doubling gains', timesOf(1, 1.1, 1.3, 1.8), 4, true],
  ['only the last but one gained', timesOf(1, 2, 2, 4.5), 4, true],
  ['small gains add up to one', timesOf(1, 2, 3.88, 7.5), 4, true],
  ['two in a row gained nothing', timesOf(1, 2, 4, 8), 4, false],
  ['rows cost more and more', timesOf(10, 22, 48, 110), 4, false],
  ['a run takes too long', timesOf(200, 220, 240, 260), 4, false],
  ['a batch would be too large to send', timesOf(1, 1, 1), 2 ** 24, false],
];
for (const [name, times, rowBytes, worth] of doubling) {
  test(`${worth ? 'a larger batch is tried' : 'no larger batch is tried'}: ${name}`, () => {
    assert.equal(worthDoubling(times, rowBytes), worth);
  });
}

const repeating: readonly [string, number, number, number, boolean][] = [
  ['a second time', 1, 200, 0, true],
  ['not when it takes long', 1, 251, 0, false],
  ['a third time when it is quick', 2, 10, 10, true],
  ['not when the repeats add up', 2, 30, 30, false],
];
for (const [name, runs, lastMs, repeatsMs, worth] of repeating) {
  test(`a run is made again: ${name}`, () => assert.equal(worthRepeating(runs, lastMs, repeatsMs), worth));
}

test('the fastest of the runs counts, inside the engine and around it each for itself', async () => {
  const times = [
    { inferMs: 5, roundTripMs: 9 },
    { inferMs: 2, roundTripMs: 8 },
    { inferMs: 3, roundTripMs: 4 },
  ].values();
  const run = async () => times.next().value ?? assert.fail('ran once too often');
  assert.deepEqual(await fastestOf(run, none, 3), { inferMs: 2, roundTripMs: 4 });
});

/** A model whose run of `rows` takes `msOf(rows)`; fails where that is undefined. */
function modelOf(msOf: (rows: number) => number | undefined) {
  const sizes: number[] = [];
  const run = async ({ rows }: Execution) => {
    sizes.push(rows);
    const inferMs = msOf(rows);
    if (inferMs === undefined) throw new GatewayError('model-failed', 'out of memory');
    return { outputs: [], inferMs };
  };
  return { run, sizes };
}

test('a maximum is derived where the gain ends', async () => {
  const cases: [(rows: number) => number | undefined, number][] = [
    [rows => 1 + rows / 100, 256],
    [rows => 1 + Math.max(0, rows - 16) / 16, 64],
    [rows => rows, 8],
    [rows => rows ** 1.2, 8],
    [rows => (rows > 16 ? undefined : 1), 16],
  ];
  for (const [msOf, largest] of cases) {
    assert.equal(await largestBatch(modelOf(msOf).run, sample, true, open), largest);
  }
});

test('a noisy moment does not end the search', async () => {
  const noisy = [4, 4, 8, 8];
  const { run } = modelOf(rows => 1 + rows / 100 + (noisy[0] === rows ? (noisy.shift() ?? 0) * 100 : 0));
  assert.equal(await largestBatch(run, sample, true, open), 256);
});

test('a maximum that was given stays, and each of its sizes is run once', async () => {
  const { run, sizes } = modelOf(rows => rows ** 2);
  assert.equal(await largestBatch(run, sample, true, { ...open, maxBatchSize: 32 }), 32);
  assert.deepEqual(sizes, [1, 2, 4, 8, 16, 32]);
  const failing = modelOf(rows => (rows > 16 ? undefined : 1));
  await assert.rejects(largestBatch(failing.run, sample, true, { ...open, maxBatchSize: 32 }), {
    code: 'model-failed',
  });
});

test('sizes that were given are all tried, whatever they cost', async () => {
  const limits = { ...open, batchSizes: [4, 32, 100], derivedMaxBatchSize: 100 };
  assert.equal(await largestBatch(modelOf(rows => rows ** 2).run, sample, true, limits), 100);
});

test('a model without a batch axis is run alone', async () => {
  const { run, sizes } = modelOf(() => 1);
  assert.equal(await largestBatch(run, sample, false, open), 0);
  assert.deepEqual([...new Set(sizes)], [1]);
});
