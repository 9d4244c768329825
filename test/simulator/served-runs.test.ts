import assert from 'node:assert/strict';
import test from 'node:test';
import { ServedRuns } from '../../bench/support/served-runs.ts';
import type { Reply } from '../../src/load/reply.ts';

const reply = (rows: number, ms: number, status = 200) =>
  ({
    status,
    header: () => `queue;dur=0.1, batch;desc="${rows}", infer;dur=${ms.toFixed(2)}, total;dur=9`,
  }) as unknown as Reply;

test('rows that say the same of a run at the same time are one run, which began when it had to', () => {
  const runs = new ServedRuns(Float64Array.of(0, 1, 2));
  runs.see(reply(3, 10), 0, 14);
  runs.see(reply(3, 10), 1, 13);
  runs.see(reply(3, 10), 2, 12.5);
  assert.deepEqual(runs.all, [{ rows: 3, ms: 10, at: 4 }]);
});

test('a run that looks like one long before it is another', () => {
  const runs = new ServedRuns(Float64Array.of(0, 500));
  runs.see(reply(1, 10), 0, 12);
  runs.see(reply(1, 10), 1, 12);
  assert.deepEqual(
    runs.all.map(({ at }) => at),
    [2, 502],
  );
});

test('two that look alike and run side by side count twice', () => {
  const runs = new ServedRuns(Float64Array.of(0, 0, 0, 0));
  for (const index of [0, 1, 2, 3]) runs.see(reply(2, 10), index, 12 + index / 10);
  assert.equal(runs.all.length, 2);
});

test('refusals say nothing of runs', () => {
  const runs = new ServedRuns(Float64Array.of(0));
  runs.see(reply(1, 10, 429), 0, 1);
  assert.deepEqual(runs.all, []);
});
