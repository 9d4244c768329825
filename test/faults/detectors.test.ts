/** Controls of single rows: what each is there for is planted, and must be missed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { crashRows } from './crash-loop.ts';
import type { Row } from './figures.ts';
import { isToldWhy } from './malformed-rows.ts';

const kept = (rows: readonly Row[]): boolean[] => rows.map(row => row.kept);

test('a version that crashes begins in a shared worker, goes on in its own, and soon ends', () => {
  const [shared, own] = [{ shared: true }, { shared: false }];
  assert.deepEqual(kept(crashRows([shared, own, own])), [true, true]);
  assert.deepEqual(kept(crashRows([own, own, own])), [false, true]);
  assert.deepEqual(kept(crashRows([shared, shared, shared])), [false, true]);
  assert.deepEqual(kept(crashRows([shared, own, shared])), [false, true]);
  assert.deepEqual(kept(crashRows([shared, own])), [true, false]);
  assert.deepEqual(kept(crashRows([shared, ...new Array(6).fill(own)])), [true, false]);
});

test('a wrong request is told its own fault: no other one, and no other field', () => {
  const own = '{"error":"inputs[0].datatype: expected FP32, got INT64"}';
  assert.equal(isToldWhy({ status: 400, text: own }, 1), true);
  assert.equal(isToldWhy({ status: 500, text: own }, 1), false);
  for (const other of [0, 2, 3, 4, 5, 6, 7])
    assert.equal(isToldWhy({ status: 400, text: own }, other), false);
  assert.equal(isToldWhy({ status: 400, text: '{"error":"expected something else: x"}' }, 0), false);
});
