import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import type { DeathCause } from '../../src/events.ts';
import { deathCause, isOwnDoing } from '../../src/pool/death-cause.ts';
import { isCrashLoop, Quarantine } from '../../src/pool/quarantine.ts';
import { restartDelayMs } from '../../src/pool/worker-lifecycle.ts';
import { breakerReason } from '../../src/version-breakers.ts';
import { COMMAND, writeFakeModel } from './fake-model.ts';
import { rowOf, runRow, slotOf, specOf, startPool } from './running-pool.ts';

const CAUSES: readonly [string, 'hang' | 'memory' | undefined, DeathCause, boolean][] = [
  ['SIGKILL', 'hang', 'hang', true],
  ['SIGKILL', 'memory', 'memory', true],
  ['SIGKILL', undefined, 'killed', false],
  ['SIGTERM', undefined, 'killed', false],
  ['SIGSEGV', undefined, 'crash', true],
  ['SIGABRT', undefined, 'crash', true],
  ['exit code 1', undefined, 'exit', false],
  ['it could not be started: ENOENT', undefined, 'exit', false],
];
for (const [reason, endedFor, cause, own] of CAUSES) {
  test(`${reason}${endedFor === undefined ? '' : ` for ${endedFor}`} is a death by ${cause}`, () => {
    assert.equal(deathCause(reason, endedFor), cause);
    assert.equal(isOwnDoing(cause), own);
  });
}

test('three deaths within a minute are a crash loop, as many in more are not', () => {
  assert.equal(isCrashLoop([0, 1000], 2000), false);
  assert.equal(isCrashLoop([0, 1000, 2000], 2000), true);
  assert.equal(isCrashLoop([0, 30_000, 60_000], 60_000), false);
});

test('however a worker dies at once again, it is started a dozen times in a minute at most', () => {
  let starts = 0;
  for (let ms = 0; ms < 60_000; ms += restartDelayMs(starts++, 0));
  assert.ok(starts <= 12, `${starts}`);
});

function quarantined(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const said: string[] = [];
  const quarantine = new Quarantine(
    () => Date.now(),
    reason => said.push(reason),
  );
  for (let death = 0; death < 3; death++) quarantine.died();
  return { quarantine, said, tick: (ms: number) => t.mock.timers.tick(ms) };
}

test('a quarantine is said once and ends when the version has stayed up', t => {
  const { quarantine, said, tick } = quarantined(t);
  quarantine.died();
  assert.equal(said.length, 1);
  assert.match(quarantine.reason, /3 times within 60 s/);
  quarantine.up();
  tick(29_999);
  assert.equal(said.length, 1);
  tick(1);
  assert.deepEqual([said.length, said[1], quarantine.reason], [2, '', '']);
  quarantine.died();
  assert.equal(quarantine.reason, '');
});

test('a version that dies again before it has stayed up remains quarantined', t => {
  const { quarantine, tick } = quarantined(t);
  quarantine.up();
  tick(20_000);
  quarantine.died();
  tick(60_000);
  assert.notEqual(quarantine.reason, '');
});

test('a version that crashes on each run is quarantined, others are not touched', {
  timeout: 40_000,
}, async t => {
  const { pool, folder, events } = await startPool(t);
  const good = await pool.load(specOf(writeFakeModel(folder, 'good')));
  const bad = await pool.load(specOf(writeFakeModel(folder, 'bad'), { isolation: 'dedicated' }));
  const causes: DeathCause[] = [];
  events.on('worker:died', ({ worker, cause }) => causes.push(worker === 'cpu' ? 'killed' : cause));
  const change = once(events, 'quarantine:changed');
  for (let run = 0; run < 3; run++) {
    await assert.rejects(runRow(bad.executor, COMMAND.crash, 0), { code: 'worker-failed' });
    assert.deepEqual(await runRow(good.executor, 1, 2), [1, 2]);
  }
  const [{ model, quarantined: is, worker }] = await change;
  assert.deepEqual([model, is], ['bad', true]);
  assert.equal(worker.startsWith('cpu/bad/'), true);
  assert.deepEqual(causes, ['crash', 'crash', 'crash']);
  assert.match(breakerReason(bad.executor), /quarantined: it took its worker down 3 times/);
  assert.equal(breakerReason(good.executor), '');
  assert.deepEqual(await runRow(bad.executor, 1, 2), [1, 2]);
});

test('while a quarantined version waits long to be started again its callers are told at once', {
  timeout: 40_000,
}, async t => {
  const { pool, folder, events } = await startPool(t, { random: () => 0.99 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'bad')));
  while (executor.outage === undefined) {
    const died = once(events, 'worker:died');
    await assert.rejects(runRow(executor, COMMAND.crash, 0), { code: 'worker-failed' });
    await died;
  }
  assert.match(executor.outage.message, /out of service: quarantined/);
  await once(events, 'breaker:changed');
  assert.equal(executor.outage, undefined);
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
});

test('a worker that somebody kills idle again and again is no crash loop', { timeout: 40_000 }, async t => {
  const { pool, folder, events } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  for (let death = 0; death < 3; death++) {
    const died = once(events, 'worker:died');
    process.kill(pool.view()[0]?.pid ?? 0, 'SIGKILL');
    assert.deepEqual(await died, [{ worker: 'cpu', cause: 'killed' }]);
    assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  }
  assert.deepEqual(executor.quarantines(), []);
});

test('a run of which more is known hangs sooner, and its version gets a worker of its own', {
  timeout: 40_000,
}, async t => {
  const { pool, folder, events } = await startPool(t);
  await pool.load(specOf(writeFakeModel(folder, 'other')));
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'slow')));
  const hung = once(events, 'run:hung');
  const died = once(events, 'worker:died');
  const slot = await slotOf(executor);
  await assert.rejects(slot.execute(rowOf(COMMAND.hold, 0), 5), { code: 'worker-failed' });
  const [{ model, version, worker, allowedMs }] = await hung;
  assert.deepEqual([model, version, worker, allowedMs], ['slow', '1', 'cpu', 1000]);
  assert.deepEqual(await died, [{ worker: 'cpu', cause: 'hang' }]);
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  assert.deepEqual(
    pool.view().map(({ models }) => models.map(one => one.model)),
    [['other'], ['slow']],
  );
});
