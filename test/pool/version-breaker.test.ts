import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import type { BreakerChanged, Events } from '../../src/events.ts';
import type { LoadedVersion, VersionSpec } from '../../src/pool/version-spec.ts';
import { COMMAND, type FakeModel, writeFakeModel } from './fake-model.ts';
import { ask, nextChange, runRow, socketOf, specOf, startPool } from './running-pool.ts';

const ONE = { kind: 'cpu', count: 1, intraOpThreads: 1, device: 0 } as const;
const BREAKER = { failureShare: 0.5, leastRuns: 4, windowMs: 60_000, openMs: 200 };
/** Longer than any test. */
const FOR_GOOD = { ...BREAKER, openMs: 300_000 };

interface Seen {
  readonly batches: readonly { readonly instance: number }[];
}

async function breakable(t: TestContext, over: Partial<VersionSpec> = {}, model: Partial<FakeModel> = {}) {
  const running = await startPool(t);
  const { pool, folder, events } = running;
  const failsWhile = path.join(folder, 'fails');
  const changes: BreakerChanged[] = [];
  events.on('breaker:changed', change => changes.push(change));
  const file = writeFakeModel(folder, 'echo', { failsWhile, ...model });
  const loaded = await pool.load(specOf(file, { instances: [ONE], breaker: BREAKER, ...over }));
  return {
    ...running,
    loaded,
    changes,
    breaks: (status: number) => writeFileSync(failsWhile, String(status)),
    heals: () => rmSync(failsWhile),
  };
}

const untilBreaker = (events: Events, state: BreakerChanged['state']): Promise<BreakerChanged> =>
  new Promise(resolve => {
    const listener = (change: BreakerChanged): void => {
      if (change.state !== state) return;
      events.off('breaker:changed', listener);
      resolve(change);
    };
    events.on('breaker:changed', listener);
  });

/** Runs different rows until the breaker has opened, `most` at most. */
async function failRows({ executor }: LoadedVersion, most: number): Promise<void> {
  for (let i = 0; i < most && executor.outage === undefined; i++)
    await runRow(executor, i, 0).catch(() => undefined);
}

test('failures of the worker open it, others notice nothing, and it closes when its sample runs again', async t => {
  const { pool, folder, events, loaded, changes, breaks, heals } = await breakable(t);
  const other = await pool.load(specOf(writeFakeModel(folder, 'other'), { instances: [ONE] }));
  breaks(404);
  const opened = untilBreaker(events, 'open');
  await failRows(loaded, 4);
  const { model, version, worker, reason } = await opened;
  assert.deepEqual([model, version, worker, reason], ['echo', '1', 'cpu', '4 of 4 runs failed']);
  assert.deepEqual(loaded.executor.capacity(), { free: 0, total: 0 });
  const { code, message, retryAfterMs = 0 } = loaded.executor.outage ?? {};
  assert.deepEqual(
    [code, message],
    ['unavailable', 'model "echo" version 1 is out of service: 4 of 4 runs failed'],
  );
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 200, `${retryAfterMs}`);
  assert.deepEqual(await runRow(other.executor, 5, 6), [5, 6]);
  const closed = untilBreaker(events, 'closed');
  await untilBreaker(events, 'trying');
  await untilBreaker(events, 'open');
  heals();
  await closed;
  const toldMs = changes[0]?.nextTrialMs ?? 0;
  assert.ok(toldMs > 0 && toldMs <= 200, `${toldMs}`);
  assert.deepEqual(await runRow(loaded.executor, 1, 2), [1, 2]);
  assert.deepEqual(loaded.executor.capacity(), { free: 1, total: 1 });
});

test('inputs that the model fails on never open it, however many; a version that is broken is opened', async t => {
  const { folder, loaded, changes, events, breaks } = await breakable(t, { breaker: FOR_GOOD });
  const samples = async (): Promise<number> => {
    const { seen } = (await ask(socketOf(folder, 'cpu'), 'GET', '/v2/worker')) as { seen: Seen };
    return seen.batches.filter(({ instance }) => instance >= 0).length;
  };
  const before = await samples();
  for (let i = 0; i < 100; i++)
    await assert.rejects(runRow(loaded.executor, COMMAND.fail, i), { code: 'model-failed' });
  while ((await samples()) < before + 3) await runRow(loaded.executor, COMMAND.fail, 1).catch(() => {});
  assert.deepEqual(changes, []);
  breaks(500);
  const opened = untilBreaker(events, 'open');
  for (let i = 0; changes.length === 0; i++) {
    const failed = assert.rejects(runRow(loaded.executor, -i, 0));
    // Once it is open nobody is granted a run.
    await Promise.race([failed, opened]);
  }
  assert.match((await opened).reason, /failed on 20 different inputs in a row, and on its sample/);
});

test('one input that fails again and again is not twenty', async t => {
  const { loaded, changes, breaks } = await breakable(t, { breaker: FOR_GOOD });
  breaks(500);
  for (let i = 0; i < 60; i++) await assert.rejects(runRow(loaded.executor, 7, 7));
  assert.deepEqual(changes, []);
});

test('only the worker that fails is left out while another runs the version', async t => {
  const gpu = { ...ONE, kind: 'webgpu' } as const;
  const over = { instances: [ONE, gpu], breaker: FOR_GOOD };
  const { pool, loaded, events, breaks } = await breakable(t, over, { failsOn: 'webgpu' });
  breaks(404);
  const opened = untilBreaker(events, 'open');
  const runs = async (): Promise<unknown[]> =>
    Promise.allSettled([runRow(loaded.executor, 1, 1), runRow(loaded.executor, 2, 2)]);
  for (let i = 0; i < 4; i++) await runs();
  assert.equal((await opened).worker, 'gpu:0');
  assert.equal(loaded.executor.outage, undefined);
  assert.deepEqual(loaded.executor.capacity().total, 1);
  for (let i = 0; i < 8; i++) assert.deepEqual(await runRow(loaded.executor, i, 1), [i, 1]);
  assert.deepEqual(
    pool.view().map(({ state }) => state),
    ['ready', 'ready'],
  );
});

test('the version is out only when every worker is, and no worker is replaced for it', async t => {
  const gpu = { ...ONE, kind: 'webgpu' } as const;
  const { loaded, breaks, pool, changes } = await breakable(t, { instances: [ONE, gpu], breaker: FOR_GOOD });
  const pids = pool.view().map(({ pid }) => pid);
  breaks(400);
  await failRows(loaded, 40);
  while (loaded.executor.outage === undefined) await new Promise(setImmediate);
  assert.deepEqual(changes.map(({ worker }) => worker).sort(), ['cpu', 'gpu:0']);
  assert.deepEqual(
    pool.view().map(({ pid }) => pid),
    pids,
  );
});

test('inputs that take the worker down open nothing: what comes back is closed', async t => {
  const { loaded, events, changes } = await breakable(t, { breaker: { ...FOR_GOOD, leastRuns: 1 } });
  for (let i = 0; i < 3; i++) {
    const ready = nextChange(events, ({ state }) => state === 'ready');
    await assert.rejects(runRow(loaded.executor, COMMAND.crash, i), { code: 'worker-failed' });
    await ready;
    assert.deepEqual(await runRow(loaded.executor, 1, 2), [1, 2]);
  }
  assert.deepEqual(changes, []);
});

test('opened by hand it stays open on a new process until it is closed by hand', async t => {
  const { pool, loaded, events } = await breakable(t);
  loaded.executor.openBreakers('maintenance');
  assert.match(loaded.executor.outage?.message ?? '', /out of service: maintenance$/);
  const ready = nextChange(events, ({ state }) => state === 'ready');
  process.kill(pool.view()[0]?.pid ?? 0, 'SIGKILL');
  await ready;
  while (loaded.executor.unableSinceMs !== undefined) await new Promise(setImmediate);
  assert.deepEqual(
    loaded.executor.breakers().map(({ state, nextTrialMs }) => [state, nextTrialMs]),
    [['open', undefined]],
  );
  loaded.executor.closeBreakers();
  assert.deepEqual(await runRow(loaded.executor, 1, 2), [1, 2]);
});

test('runs that are too slow open it only when the sample is slow as well', async t => {
  const slow = { callMs: 20, share: 0.8 };
  const well = await breakable(t, { breaker: { ...FOR_GOOD, slow } });
  const ill = await breakable(t, { breaker: { ...FOR_GOOD, slow } }, { runMs: 30 });
  const opened = untilBreaker(ill.events, 'open');
  for (let i = 0; i < 8; i++) await runRow(well.loaded.executor, i, 0);
  for (let i = 0; i < 4; i++) await runRow(ill.loaded.executor, i, 0);
  assert.equal((await opened).reason, '4 of 4 runs took longer than 20 ms');
});
