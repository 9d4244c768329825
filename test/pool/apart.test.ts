import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import type { WorkerDied } from '../../src/events.ts';
import type { Executor, Slot } from '../../src/inference.ts';
import { COMMAND, writeFakeModel } from './fake-model.ts';
import {
  isAlive,
  nextChange,
  rowOf,
  runRow,
  slotOf,
  socketOf,
  socketToCome,
  specOf,
  startPool,
} from './running-pool.ts';

const slotApart = (executor: Executor): Promise<Slot> =>
  new Promise(resolve => executor.acquireApart(resolve));

async function runApart(executor: Executor, ...values: number[]): Promise<number[]> {
  const slot = await slotApart(executor);
  const { outputs } = await slot.execute(rowOf(...values));
  return [...new Float32Array(new Uint8Array(outputs[0]?.data ?? []).buffer)];
}

test('a run apart that takes its process down leaves the workers alone, and the next has another process', async t => {
  const { pool, folder, changes } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const before = pool.view();
  assert.deepEqual(await runApart(executor, 1, 2), [1, 2]);
  await assert.rejects(runApart(executor, COMMAND.crash, 0), { code: 'worker-failed', notRun: false });
  assert.deepEqual(await runApart(executor, 3, 4), [3, 4]);
  assert.deepEqual(await runRow(executor, 5, 6), [5, 6]);
  assert.deepEqual(
    pool.view().map(({ pid }) => pid),
    before.map(({ pid }) => pid),
  );
  assert.equal(changes.filter(({ state }) => state === 'exited').length, 0);
});

for (const [cause, command, options] of [
  ['crash', COMMAND.crash, {}],
  ['hang', COMMAND.hold, { hungAfterMs: 300 }],
] as const) {
  test(`the death of a process apart is counted as a worker’s: ${cause}; that of one with nothing left to do is not`, async t => {
    const { pool, folder, events } = await startPool(t, options);
    const deaths: WorkerDied[] = [];
    events.on('worker:died', died => deaths.push(died));
    const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
    const died = once(events, 'worker:died');
    await assert.rejects(runApart(executor, command, 0), { code: 'worker-failed' });
    await died;
    assert.deepEqual(await runApart(executor, 1, 2), [1, 2]);
    await pool.close();
    assert.deepEqual(deaths, [{ worker: 'apart', cause }]);
  });
}

test('runs apart go one at a time, in order, and a slot given back is followed by the next', async t => {
  const { pool, folder } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const order: string[] = [];
  const first = slotApart(executor).then(slot => {
    order.push('first');
    slot.release();
  });
  const second = slotApart(executor).then(async slot => {
    order.push('second begins');
    await slot.execute(rowOf(1, 2));
    order.push('second ends');
  });
  const withdraw = executor.acquireApart(() => order.push('never'));
  const third = slotApart(executor).then(slot => {
    order.push('third');
    slot.release();
  });
  withdraw();
  await Promise.all([first, second, third]);
  assert.deepEqual(order, ['first', 'second begins', 'second ends', 'third']);
});

test('a run apart that hangs ends with its process', async t => {
  const { pool, folder } = await startPool(t, { hungAfterMs: 300 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  await assert.rejects(runApart(executor, COMMAND.hold, 0), { code: 'worker-failed', notRun: false });
  assert.deepEqual(await runApart(executor, 1, 2), [1, 2]);
});

test('while a run may yet prove to hang, a process is started for what may have to run apart after it', async t => {
  const { pool, folder } = await startPool(t, { hungAfterMs: 2000 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const slot = await slotOf(executor);
  let underWay = true;
  const hangs = assert.rejects(slot.execute(rowOf(COMMAND.hold, 0)), { code: 'worker-failed' });
  void hangs.then(() => {
    underWay = false;
  });
  const prepared = await socketToCome(folder, 'apart');
  assert.equal(underWay, true);
  await hangs;
  assert.deepEqual(await runApart(executor, 1, 2), [1, 2]);
  assert.equal(socketOf(folder, 'apart'), prepared);
});

for (const [name, usualMs, isAnother] of [
  ['much longer than usual stands behind: the next has another process', 1, true],
  ['as long as usual leaves its process for the next', 1000, false],
] as const) {
  test(`a run apart that takes ${name}`, async t => {
    const { pool, folder } = await startPool(t);
    const { executor } = await pool.load(
      specOf(writeFakeModel(folder, 'slow', { runMs: 100 }), { maxBatchSize: 1 }),
    );
    await (await slotApart(executor)).execute(rowOf(1, 2), usualMs);
    const first = socketOf(folder, 'apart');
    assert.deepEqual(await runApart(executor, 3, 4), [3, 4]);
    assert.equal(socketOf(folder, 'apart') !== first, isAnother);
  });
}

test('where no process can be had apart, what was to run there is told that it was not run', async t => {
  const { pool, folder } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const slot = slotApart(executor);
  await pool.close();
  await assert.rejects((await slot).execute(rowOf(1, 2)), { code: 'worker-failed', notRun: true });
});

test('a spare takes the place of a worker that dies, and another one takes the place of the spare', async t => {
  const { pool, folder, events } = await startPool(t, { spares: 1 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const pids: number[] = [];
  for (let death = 0; death < 2; death++) {
    const ready = nextChange(events, ({ state }) => state === 'ready');
    process.kill(pool.view()[0]?.pid ?? 0, 'SIGKILL');
    const { pid = 0 } = await ready;
    pids.push(pid);
    assert.deepEqual(await runRow(executor, death, 2), [death, 2]);
  }
  assert.equal(new Set(pids).size, 2);
  await pool.close();
  assert.deepEqual(pids.map(isAlive), [false, false]);
});
