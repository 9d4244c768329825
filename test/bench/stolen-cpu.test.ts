import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuTotals, readCpuTotals, stolenShare } from '../../bench/support/stolen-cpu.ts';

test('what the host took is the eighth field of the first line, the guests’ own fields are not counted twice', () => {
  const text = 'cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3\n';
  assert.deepEqual(parseCpuTotals(text), { ticks: 360, stolen: 80 });
});

test('a system that does not say gives nothing', () => {
  assert.equal(parseCpuTotals('cpu 1 2 3\n'), undefined);
  assert.equal(parseCpuTotals(''), undefined);
  assert.equal(readCpuTotals('/nowhere/stat'), undefined);
});

test('the share is of the time between two readings', () => {
  assert.equal(stolenShare({ ticks: 100, stolen: 10 }, { ticks: 300, stolen: 60 }), 0.25);
  assert.equal(stolenShare({ ticks: 100, stolen: 10 }, { ticks: 100, stolen: 10 }), undefined);
  assert.equal(stolenShare(undefined, { ticks: 100, stolen: 10 }), undefined);
});
