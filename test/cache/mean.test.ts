import assert from 'node:assert/strict';
import test from 'node:test';
import { Mean } from '../../src/cache/mean.ts';

function meanOf(values: readonly number[]): number {
  const mean = new Mean();
  for (const value of values) mean.add(value);
  return mean.value;
}

test('it follows what changes', () => {
  assert.equal(meanOf([]), 0);
  assert.equal(meanOf([3]), 3);
  assert.ok(Math.abs(meanOf([3, ...new Array<number>(100).fill(5)]) - 5) < 0.01);
});

test('one that was interrupted moves it little', () => {
  assert.equal(meanOf([1, 1000]), 1 + 3 / 16);
});

test('a first one that was too short to be measured does not hold it down', () => {
  assert.equal(meanOf([0, 0, 2]), 2);
});
