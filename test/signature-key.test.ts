import assert from 'node:assert/strict';
import test from 'node:test';
import type { ModelSignature } from '../src/inference.ts';
import { outputsToRun, rowShapesKey, signatureKeyOf } from '../src/signature-key.ts';
import { DYNAMIC, FIXED, ints, request } from './batch/requests.ts';

const TWO: ModelSignature = {
  inputs: [
    { name: 'a', datatype: 'INT32', shape: [-1, -1] },
    { name: 'b', datatype: 'INT32', shape: [-1, -1] },
  ],
  outputs: [
    { name: 'p', datatype: 'INT32', shape: [-1] },
    { name: 'q', datatype: 'INT32', shape: [-1] },
  ],
};

test('every request of a model with fixed rows has the same key, whatever its row count', () => {
  const keyOf = signatureKeyOf(FIXED);
  assert.equal(keyOf(request(ints([1, 2]))), '');
  assert.equal(keyOf(request(ints([1, 2, 3, 4], 2))), '');
});

test('rows of another shape have another key', () => {
  const keyOf = signatureKeyOf(DYNAMIC);
  assert.equal(keyOf(request(ints([1, 2]))), keyOf(request(ints([5, 6, 7, 8], 2))));
  assert.notEqual(keyOf(request(ints([1, 2]))), keyOf(request(ints([1, 2, 3]))));
});

test('the key of row shapes is the one of requests with such rows', () => {
  const shaped = (name: string, shape: number[]) => ({ ...ints([], 1, name), shape });
  const two = request([shaped('a', [1, 12]), shaped('b', [1, 3, 4])]);
  const shapes = [[12], [3, 4]];
  assert.equal(rowShapesKey(shapes), signatureKeyOf(TWO)(two));
});

test('dimensions of two inputs do not run into each other', () => {
  const keyOf = signatureKeyOf(TWO);
  const key = (a: number[], b: number[]): string => {
    const shaped = (name: string, shape: number[]) => ({ ...ints([], 1, name), shape });
    return keyOf(request([shaped('a', [1, ...a]), shaped('b', [1, ...b])]));
  };
  const keys = [key([1], [23]), key([12], [3]), key([1, 2], [3]), key([1], [2, 3]), key([123], [])];
  assert.equal(new Set(keys).size, keys.length);
});

test('an input left out makes another key', () => {
  const keyOf = signatureKeyOf(TWO);
  const a = ints([1], 1, 'a');
  const b = ints([1], 1, 'b');
  const keys = [keyOf(request([a, b])), keyOf(request([a])), keyOf(request([b]))];
  assert.equal(new Set(keys).size, 3);
});

test('the set of outputs counts, not its order; all of them is the same as none named', () => {
  const keyOf = signatureKeyOf(TWO);
  const key = (outputs?: string[]): string =>
    keyOf(request([ints([1], 1, 'a'), ints([1], 1, 'b')], { outputs }));
  assert.equal(key(['p', 'q']), key());
  assert.equal(key(['q', 'p']), key());
  assert.equal(new Set([key(), key(['p']), key(['q'])]).size, 3);
});

test('outputs are run in the order of the signature, and not named when all are wanted', () => {
  assert.equal(outputsToRun(TWO.outputs, undefined), undefined);
  assert.equal(outputsToRun(TWO.outputs, ['q', 'p']), undefined);
  assert.deepEqual(outputsToRun(TWO.outputs, ['q']), ['q']);
});
