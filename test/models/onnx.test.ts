import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Datatype } from '../../src/tensor.ts';
import * as onnx from '../support/onnx.ts';
import { type Feeds, OnnxSession, type Values } from '../support/onnx-session.ts';

const session = new OnnxSession();
after(() => session[Symbol.asyncDispose]());

const fp32 = (shape: number[], values: number[]): Values => ({ datatype: 'FP32', shape, values });
const int64 = (shape: number[], values: bigint[]): Values => ({ datatype: 'INT64', shape, values });

const EVERY_DATATYPE: Record<Datatype, Values['values']> = {
  BOOL: [1, 0],
  UINT8: [0, 255],
  UINT16: [0, 65535],
  UINT32: [0, 4294967295],
  UINT64: [0n, 18446744073709551615n],
  INT8: [-128, 127],
  INT16: [-32768, 32767],
  INT32: [-2147483648, 2147483647],
  INT64: [-9223372036854775808n, 9223372036854775807n],
  FP16: [0x3c00, 0x8001],
  FP32: [1.5, -0],
  FP64: [Number.MAX_VALUE, 0.1],
  BYTES: ['', 'þ€😀'],
};

for (const [datatype, values] of Object.entries(EVERY_DATATYPE) as [Datatype, Values['values']][]) {
  test(`identity gives ${datatype} back, on a dynamic axis`, async () => {
    const x = { datatype, shape: [2], values };
    assert.deepEqual(await session.run(onnx.identity({ datatype, shape: [-1] }), { x }), { y: x });
  });
}

const KNOWN: Record<string, { model: Uint8Array; feeds: Feeds; answer: Feeds }> = {
  twoOutputs: {
    model: onnx.twoOutputs(2),
    feeds: { x: fp32([2, 2], [0, 1, 2, 3]) },
    answer: { plus_one: fp32([2, 2], [1, 2, 3, 4]), doubled: fp32([2, 2], [0, 2, 4, 6]) },
  },
  twoInputs: {
    model: onnx.twoInputs(2),
    feeds: { a: fp32([1, 2], [5, 6]), b: fp32([1, 2], [1, 4]) },
    answer: { sum: fp32([1, 2], [6, 10]), difference: fp32([1, 2], [4, 2]) },
  },
  'softmaxOverBatch, which mixes rows': {
    model: onnx.softmaxOverBatch(2),
    feeds: { x: fp32([2, 2], [7, 9, 7, 9]) },
    answer: { y: fp32([2, 2], [0.5, 0.5, 0.5, 0.5]) },
  },
  sumOverBatch: {
    model: onnx.sumOverBatch(2),
    feeds: { x: fp32([3, 2], [1, 2, 3, 4, 5, 6]) },
    answer: { y: fp32([1, 2], [9, 12]) },
  },
  addConstant: {
    model: onnx.addConstant(5, 2),
    feeds: { x: fp32([2, 2], [0, 1, 2, 3]) },
    answer: { y: fp32([2, 2], [5, 6, 7, 8]) },
  },
  fixedBatch: {
    model: onnx.fixedBatch(2),
    feeds: { x: fp32([1, 2], [1, 2]) },
    answer: { y: fp32([1, 2], [2, 3]) },
  },
  gather: {
    model: onnx.gather(4),
    feeds: { index: int64([3, 1], [3n, 0n, -1n]) },
    answer: { y: fp32([3, 1], [30, 0, 30]) },
  },
  slow: {
    model: onnx.slow(10, 2),
    feeds: { x: fp32([2, 2], [1, 2, 3, 4]) },
    answer: { y: fp32([2, 2], [1, 2, 3, 4]) },
  },
  lagging: {
    model: onnx.lagging(10, 2),
    feeds: { x: fp32([2, 2], [1, 2, -30, 4]) },
    answer: { y: fp32([2, 2], [1, 2, -30, 4]) },
  },
  spin: {
    model: onnx.spin(),
    feeds: { iterations: int64([2, 1], [3n, 100n]) },
    answer: { y: int64([2, 1], [3n, 100n]) },
  },
  expand: {
    model: onnx.expand(),
    feeds: { length: int64([1], [3n]) },
    answer: { y: fp32([3], [1, 1, 1]) },
  },
  nan: {
    model: onnx.nan(3),
    feeds: { x: fp32([1, 3], [0, 1, -1]) },
    answer: { y: fp32([1, 3], [Number.NaN, Infinity, -Infinity]) },
  },
  'concat, with rows of different lengths': {
    model: onnx.concat(),
    feeds: { a: fp32([1, 1], [1]), b: fp32([1, 2], [2, 3]) },
    answer: { y: fp32([1, 3], [1, 2, 3]) },
  },
};

for (const [name, { model, feeds, answer }] of Object.entries(KNOWN)) {
  test(`answers as documented: ${name}`, async () => {
    assert.deepEqual(await session.run(model, feeds), answer);
  });
}

const REFUSED: Record<string, { model: Uint8Array; feeds: Feeds; message: RegExp }> = {
  'gather, an index out of range': {
    model: onnx.gather(4),
    feeds: { index: int64([1, 1], [4n]) },
    message: /out of data bounds/,
  },
  'fixedBatch, two rows': {
    model: onnx.fixedBatch(2),
    feeds: { x: fp32([2, 2], [1, 2, 3, 4]) },
    message: /invalid dimensions/,
  },
  'expand, more than memory holds': {
    model: onnx.expand(),
    feeds: { length: int64([1], [1n << 50n]) },
    message: /Expand/,
  },
};

for (const [name, { model, feeds, message }] of Object.entries(REFUSED)) {
  test(`makes the run fail: ${name}`, async () => {
    await assert.rejects(session.run(model, feeds), { message });
  });
}

test('an mlp of one seed is the same model, of another a different one', async () => {
  const x = fp32([2, 3], [1, 2, 3, 4, 5, 6]);
  const answer = async (seed: number) => session.run(onnx.mlp([3, 8, 2], seed), { x });
  assert.deepEqual(await answer(7), await answer(7));
  assert.notDeepEqual(await answer(7), await answer(8));
});

test('nonDeterministic answers one input differently twice', async () => {
  const model = onnx.nonDeterministic(2);
  const feeds = { x: fp32([1, 2], [0, 0]) };
  assert.notDeepEqual(await session.run(model, feeds), await session.run(model, feeds));
});
