import assert from 'node:assert/strict';
import test from 'node:test';
import { latencyOf } from '../../bench/simulator/latency-table.ts';
import { runTimeAsOf } from '../../bench/simulator/run-time-as-of.ts';

const usual = latencyOf([
  { rows: 1, ms: 10 },
  { rows: 101, ms: 110 },
]);

test('a run takes what the measured run that began nearest to it took', () => {
  const runTime = runTimeAsOf(
    [
      { rows: 1, ms: 30, at: 200 },
      { rows: 1, ms: 10, at: 0 },
      { rows: 1, ms: 12, at: 300 },
    ],
    usual,
  );
  const at = [-5, 0, 99, 101, 249, 251, 900];
  assert.deepEqual(
    at.map(ms => runTime(1, ms)),
    [10, 10, 10, 30, 30, 12, 12],
  );
});

test('another size takes what lies between the two sizes more', () => {
  assert.equal(runTimeAsOf([{ rows: 11, ms: 40, at: 0 }], usual)(21, 7), 60);
});

test('with nothing measured there is nothing to go by', () => {
  assert.throws(() => runTimeAsOf([], usual), /no measured run/);
});
