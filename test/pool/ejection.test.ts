import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { chooseNext } from '../../src/pool/fair-share.ts';
import { mayEject, mayReturn, median, minHealthy, paceOf, RunTimes } from '../../src/pool/pace.ts';
import { writeFakeModel } from './fake-model.ts';
import { runRow, specOf, startPool } from './running-pool.ts';

const means = (...entries: [number, number][]) => new Map(entries);

test('a group is compared with the median of its peers, by sizes they have in common, and not for what the machine adds', () => {
  assert.equal(paceOf(means([0, 39]), [means([0, 9]), means([0, 9]), means([0, 500])]), 4);
  assert.equal(paceOf(means([0, 39], [3, 99]), [means([0, 9], [2, 1])]), 4);
  assert.equal(paceOf(means([0, 39], [3, 99]), [means([0, 39], [3, 24])]), 2.5);
  assert.equal(paceOf(means([0, 39]), []), 1);
  assert.ok(paceOf(means([0, 0.9]), [means([0, 0.1])]) < 2);
});

test('a size that has not run since the last look has no say: what it took may be long ago', () => {
  const own = means([0, 9], [5, 2000]);
  assert.ok(paceOf(own, [means([0, 9], [5, 20])], [0, 5]) > 10);
  assert.equal(paceOf(own, [means([0, 9], [5, 20])], [0]), 1);
  const times = new RunTimes();
  times.note(32, 2000);
  times.fresh.clear();
  times.note(1, 9);
  assert.deepEqual([...times.fresh], [0]);
});

test('means are kept by size', () => {
  const times = new RunTimes();
  for (const [rows, ms] of [
    [1, 10],
    [8, 20],
    [15, 30],
    [1, 15],
  ] as const)
    times.note(rows, ms);
  assert.deepEqual(
    [...times.means],
    [
      [0, 11],
      [3, 22],
    ],
  );
});

test('nobody is left out before five sweeps, or when half of the groups would not serve', () => {
  assert.deepEqual([1, 2, 3, 4, 5].map(minHealthy), [1, 1, 2, 2, 3]);
  assert.deepEqual([median([]), median([7]), median([9, 1]), median([9, 1, 5])], [undefined, 7, 1, 5]);
  for (const [sweeps, serving, groups, expected] of [
    [4, 2, 2, false],
    [5, 2, 2, true],
    [5, 1, 2, false],
    [5, 1, 1, false],
    [9, 3, 4, true],
    [9, 2, 4, false],
    [9, 3, 5, false],
  ] as const) {
    assert.equal(mayEject(sweeps, serving, groups), expected, `${sweeps} ${serving} ${groups}`);
  }
});

test('a group returns by the mean of its samples, and not by the fastest of them', () => {
  for (const [tookMs, usualMs, expected] of [
    [[2, 2, 2], 2, true],
    [[4, 4, 7], 1, true],
    [[2, 2, 45], 2, false],
    [[20, 25, 40], 10, true],
    [[10, 10, 90], 10, false],
    [[500, 500, 500], undefined, true],
    [[2, Number.POSITIVE_INFINITY], 2, false],
    [[Number.POSITIVE_INFINITY], undefined, false],
  ] as const)
    assert.equal(mayReturn(tookMs, usualMs), expected, `${tookMs} of ${usualMs}`);
});

test('a run goes where it should be done first', () => {
  const group = (inUse: number, pace?: number) => ({
    device: 'cpu',
    weight: 1,
    total: 4,
    inUse,
    open: true,
    ...(pace !== undefined && { pace }),
  });
  const cases = [
    { groups: [group(1), group(0)], chosen: 1 },
    { groups: [group(3), group(0, 3)], chosen: 0 },
    { groups: [group(4), group(0, 3)], chosen: 1 },
    { groups: [group(3), group(0, 1.5)], chosen: 1 },
  ];
  for (const { groups, chosen } of cases) {
    const choice = chooseNext([{ virtualMs: 0, seats: groups }], () => 9);
    assert.equal(choice?.seats, groups[chosen]);
  }
});

test('a worker that has become slow is left out, and is back once it no longer is', {
  timeout: 50_000,
}, async t => {
  const { pool, folder, events } = await startPool(t);
  const slowWhile = path.join(folder, 'slow');
  const group = { kind: 'cpu', count: 1, intraOpThreads: 1, device: 0 } as const;
  const { executor } = await pool.load(
    specOf(writeFakeModel(folder, 'echo', { runMs: 2, slowWhile }), {
      isolation: 'dedicated',
      instances: [group, group],
    }),
  );
  const slow = pool.view().find(({ models }) => models.length > 0);
  writeFileSync(slowWhile, `${slow?.pid} 40`);
  let isOut = false;
  const out = once(events, 'ejection:changed');
  void out.then(() => {
    isOut = true;
  });
  while (!isOut) await Promise.all([runRow(executor, 1, 2), runRow(executor, 1, 2)]);
  const [{ model, worker, ejected }] = await out;
  assert.deepEqual([model, worker, ejected], ['echo', slow?.name, true]);
  assert.equal(executor.capacity().total, 1);
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  rmSync(slowWhile);
  const [back] = await once(events, 'ejection:changed');
  assert.deepEqual([back.worker, back.ejected, executor.capacity().total], [slow?.name, false, 2]);
});

test('when the others are gone a slow worker serves again', { timeout: 50_000 }, async t => {
  const { pool, folder, events } = await startPool(t);
  const slowWhile = path.join(folder, 'slow');
  const group = { kind: 'cpu', count: 1, intraOpThreads: 1, device: 0 } as const;
  const file = writeFakeModel(folder, 'echo', { runMs: 2, slowWhile });
  const { executor } = await pool.load(specOf(file, { isolation: 'dedicated', instances: [group, group] }));
  const [slow, fast] = pool.view().filter(({ models }) => models.length > 0);
  writeFileSync(slowWhile, `${slow?.pid} 40`);
  let changes = 0;
  events.on('ejection:changed', () => changes++);
  while (changes === 0) await Promise.all([runRow(executor, 1, 2), runRow(executor, 1, 2)]);
  const back = once(events, 'ejection:changed');
  process.kill(fast?.pid ?? 0, 'SIGKILL');
  assert.equal((await back)[0].ejected, false);
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
});
