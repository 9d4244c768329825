import assert from 'node:assert/strict';
import test from 'node:test';
import type { PaddingPlan } from '../../src/batch/padding-plan.ts';
import {
  bucketsIn,
  elementsAt,
  familyIn,
  keyWith,
  lengthKeyOf,
  lengthsOf,
  rowElementsOf,
} from '../../src/batch/request-lengths.ts';
import type { Inference, ModelSignature } from '../../src/inference.ts';
import type { Shape, Tensor } from '../../src/tensor.ts';
import { request } from './requests.ts';

const spec = (name: string, shape: Shape) => ({ name, datatype: 'INT8', shape }) as const;
const SIGNATURE: ModelSignature = {
  inputs: [spec('ids', [-1, -1]), spec('mask', [-1, -1]), spec('more', [-1, -1, 3])],
  outputs: [spec('y', [-1, -1]), spec('z', [-1])],
};
const padded = (name: string) => ({ name, axis: 1, multipleOf: 1, maxTimes: 2, filler: Uint8Array.of(0) });
const PLAN: PaddingPlan = { inputs: [padded('ids'), padded('mask')], outputs: new Map() };

function lengths(ids: number, mask = ids, more = 5, outputs?: readonly string[]): Inference {
  const tensor = (name: string, shape: Shape): Tensor => ({
    name,
    datatype: 'INT8',
    shape,
    data: Buffer.alloc(0),
  });
  return request([tensor('ids', [1, ids]), tensor('mask', [1, mask]), tensor('more', [1, more, 3])], {
    outputs,
  });
}

const keyOf = lengthKeyOf(SIGNATURE, PLAN);

test('lengths of one bucket lead to one queue, others to another of the same family', () => {
  assert.equal(keyOf(lengths(33)), keyOf(lengths(36)));
  assert.notEqual(keyOf(lengths(36)), keyOf(lengths(37)));
  assert.equal(familyIn(keyOf(lengths(36))), familyIn(keyOf(lengths(900))));
});

test('other dimensions and other outputs make another family', () => {
  const families = [lengths(8), lengths(8, 8, 6), lengths(8, 8, 5, ['y'])].map(each => familyIn(keyOf(each)));
  assert.equal(new Set(families).size, 3);
});

test('a request whose mask is not as long as its ids is in another family than those whose is', () => {
  assert.notEqual(familyIn(keyOf(lengths(33, 34))), familyIn(keyOf(lengths(33))));
  assert.equal(familyIn(keyOf(lengths(33, 34))), familyIn(keyOf(lengths(500, 40))));
});

test('a key says its buckets, within its family only', () => {
  const key = keyOf(lengths(33));
  assert.deepEqual(bucketsIn(key, familyIn(key)), [36, 36]);
  assert.equal(bucketsIn(key, familyIn(keyOf(lengths(33, 34)))), undefined);
  assert.equal(keyWith(familyIn(key), [36, 36]), key);
});

test('the elements of a row are counted over all inputs', () => {
  const elements = rowElementsOf(lengths(33), PLAN);
  assert.deepEqual(lengthsOf(lengths(33), PLAN), [33, 33]);
  assert.equal(elementsAt(elements, [33, 33]), 33 + 33 + 15);
  assert.equal(elementsAt(elements, [100, 40]), 100 + 40 + 15);
});
