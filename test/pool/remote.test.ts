import assert from 'node:assert/strict';
import test from 'node:test';
import type { GatewayError } from '../../src/errors.ts';
import { signatureMismatch } from '../../src/pool/signature-mismatch.ts';
import { startOipServer } from '../support/oip-server.ts';
import { failsWith, remoteSpec } from './remote-spec.ts';
import { nextChange, rowOf, runRow, type slotOf, startPool } from './running-pool.ts';

test('a server that speaks JSON alone is a version: verified through it, and asked in JSON', async t => {
  const server = await startOipServer(t);
  const { pool } = await startPool(t);
  const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 2 }]));
  assert.deepEqual([unit.verification.kind, unit.maxBatchSize, unit.deterministic], ['verified', 4, true]);
  assert.deepEqual(await runRow(unit.executor, 1, 2, 3, 0.1), [2, 4, 6, Math.fround(0.2)]);
  assert.equal(server.seen.binary, 0);
  assert.equal(pool.remotes()[0]?.state, 'ready');
  await unit.unload();
  assert.deepEqual(pool.remotes(), []);
});

for (const status of [400, 422, 500]) {
  test(`one that announces binary tensors and answers them with ${status} is asked in JSON from then on`, async t => {
    const server = await startOipServer(t);
    server.extensions = ['binary_tensor_data'];
    server.refusesBinaryWith = status;
    const { pool } = await startPool(t);
    const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 1 }]));
    assert.equal(unit.verification.kind, 'verified');
    assert.deepEqual(await runRow(unit.executor, 1, 2, 3, 4), [2, 4, 6, 8]);
    const { binary } = server.seen;
    await runRow(unit.executor, 1, 2, 3, 4);
    assert.equal(server.seen.binary, binary);
    await unit.unload();
  });
}

test('binary tensors are tried where the configuration says so, and never where it says no', async t => {
  for (const [binary, extensions, seen] of [
    [true, [], 1],
    [false, ['binary_tensor_data'], 0],
  ] as const) {
    const server = await startOipServer(t);
    server.extensions = extensions;
    const { pool } = await startPool(t);
    const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 1, binary }]));
    assert.deepEqual(await runRow(unit.executor, 1, 2, 3, 4), [2, 4, 6, 8]);
    assert.equal(Math.min(1, server.seen.binary), seen);
    await unit.unload();
  }
});

test('a remote has no more batches at once than its concurrency', async t => {
  const server = await startOipServer(t);
  const { pool } = await startPool(t);
  const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 2 }]));
  server.seen.most = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.hold = promise;
  const runs = Array.from({ length: 6 }, () => runRow(unit.executor, 1, 2, 3, 4));
  while (server.seen.atOnce < 2) await new Promise(setImmediate);
  assert.deepEqual(unit.executor.capacity(), { free: 0, total: 2 });
  resolve();
  await Promise.all(runs);
  assert.equal(server.seen.most, 2);
  await unit.unload();
});

test('a refusal is overload, and a run that takes too long is given up', async t => {
  const server = await startOipServer(t);
  const { pool } = await startPool(t, { random: () => 0.99 });
  const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 1 }], { longestRunMs: 500 }));
  for (const status of [429, 503]) {
    server.refuseWith = status;
    await assert.rejects(runRow(unit.executor, 1, 2, 3, 4), failsWith('overloaded'));
  }
  server.refuseWith = undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.hold = promise;
  await assert.rejects(runRow(unit.executor, 1, 2, 3, 4), failsWith('worker-failed'));
  resolve();
  await unit.unload();
});

test('a remote that refuses is passed by, though it is done sooner and listed first', async t => {
  const [refusing, serving] = [await startOipServer(t), await startOipServer(t)];
  const { pool } = await startPool(t, { random: () => 0.99 });
  const remotes = [refusing, serving].map(({ url }) => ({ url, concurrency: 1 }));
  const unit = await pool.load(remoteSpec(remotes));
  refusing.refuseWith = 429;
  await assert.rejects(runRow(unit.executor, 1, 2, 3, 4), failsWith('overloaded'));
  for (let run = 0; run < 20; run++) assert.deepEqual(await runRow(unit.executor, 1, 2, 3, 4), [2, 4, 6, 8]);
  await unit.unload();
});

for (const status of [400, 413, 422, 500]) {
  test(`a remote that answers ${status} could not run this input, and stays in service`, async t => {
    const server = await startOipServer(t);
    const { pool } = await startPool(t);
    const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 1 }]));
    server.refuseWith = status;
    await assert.rejects(runRow(unit.executor, 1, 2, 3, 4), failsWith('model-failed', /^not now$/));
    server.refusal = 'Traceback (most recent call last): File "/srv/model.py"';
    await assert.rejects(
      runRow(unit.executor, 1, 2, 3, 4),
      failsWith('model-failed', /no reason was given$/),
    );
    assert.equal(pool.remotes()[0]?.state, 'ready');
    await unit.unload();
  });
}

for (const status of [401, 404, 501]) {
  test(`a remote that answers ${status} does not serve the model, until it has proved that it does`, async t => {
    const server = await startOipServer(t);
    const { pool, events } = await startPool(t, { lookEveryMs: 50 });
    const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 1 }]));
    const [shut, back] = [
      nextChange(events, ({ state }) => state === 'unreachable'),
      nextChange(events, ({ state }) => state === 'ready'),
    ];
    server.refuseWith = status;
    await assert.rejects(runRow(unit.executor, 1, 2, 3, 4), failsWith('worker-failed'));
    assert.equal((await shut).detail, `it answers ${status}: not now`);
    server.refuseWith = undefined;
    await back;
    assert.deepEqual(await runRow(unit.executor, 1, 2, 3, 4), [2, 4, 6, 8]);
    await unit.unload();
  });
}

test('a remote whose tensors are not the model’s is not used, and says why', async t => {
  const [right, wrong] = [await startOipServer(t), await startOipServer(t)];
  wrong.inputName = 'z';
  const { pool, events } = await startPool(t);
  const refused = nextChange(events, ({ worker, state }) => worker === wrong.url && state === 'unreachable');
  const unit = await pool.load(
    remoteSpec([
      { url: right.url, concurrency: 1 },
      { url: wrong.url, concurrency: 1 },
    ]),
  );
  assert.equal((await refused).detail, "it has the input 'z', which the model has not");
  assert.deepEqual(unit.executor.capacity(), { free: 1, total: 1 });
  await unit.unload();
});

test('a token from the environment is sent, and a name and password of the url are never shown', async t => {
  const server = await startOipServer(t);
  process.env['REMOTE_TEST_TOKEN'] = 'secret';
  t.after(() => delete process.env['REMOTE_TEST_TOKEN']);
  const { pool } = await startPool(t);
  const url = server.url.replace('//', '//me:word@');
  const unit = await pool.load(remoteSpec([{ url, concurrency: 1, tokenEnv: 'REMOTE_TEST_TOKEN' }]));
  assert.equal(server.seen.authorization, 'Bearer secret');
  assert.equal(pool.remotes()[0]?.url, server.url);
  await unit.unload();
});

test('a connection that breaks during a run shuts the remote, and what ran apart is not condemned', async t => {
  const server = await startOipServer(t);
  const { pool } = await startPool(t);
  const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 1 }], { longestRunMs: 500 }));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.hold = promise;
  const slot = await new Promise<Awaited<ReturnType<typeof slotOf>>>(grant =>
    unit.executor.acquireApart(grant),
  );
  await assert.rejects(slot.execute(rowOf(1, 2, 3, 4)), failsWith('unavailable'));
  assert.equal(pool.remotes()[0]?.state, 'unreachable');
  resolve();
  await unit.unload();
});

test('when no remote is there callers hear so at once, and are served again when one is', async t => {
  const server = await startOipServer(t);
  const { pool, events } = await startPool(t, { lookEveryMs: 50 });
  const unit = await pool.load(remoteSpec([{ url: server.url, concurrency: 1 }]));
  const out = new Promise<GatewayError>(resolve => {
    unit.executor.onOutage = resolve;
  });
  const back = nextChange(events, ({ state }) => state === 'ready');
  await server.stop();
  await assert.rejects(runRow(unit.executor, 1, 2, 3, 4), failsWith('worker-failed'));
  const { code, message, retryAfterMs } = await out;
  assert.deepEqual(
    [code, message],
    ['unavailable', 'model "double" version 1 is out of service: the server that runs it is not there'],
  );
  assert.ok(retryAfterMs !== undefined && retryAfterMs <= 60);
  assert.equal(unit.executor.outage?.code, 'unavailable');
  await server.resume();
  await back;
  assert.equal(unit.executor.outage, undefined);
  assert.deepEqual(await runRow(unit.executor, 1, 2, 3, 4), [2, 4, 6, 8]);
  await unit.unload();
});

test('one that does not say what its tensors are is not used', async t => {
  const [right, silent] = [await startOipServer(t), await startOipServer(t)];
  silent.describes = false;
  const { pool, events } = await startPool(t);
  const refused = nextChange(events, ({ worker, state }) => worker === silent.url && state === 'unreachable');
  const specs = [right, silent].map(({ url }) => ({ url, concurrency: 1 }));
  const unit = await pool.load(remoteSpec(specs));
  assert.equal((await refused).detail, 'its metadata names no inputs, or no outputs');
  await unit.unload();
});

test('signatures fit whatever the order of their tensors and the sizes left free', () => {
  const x = { name: 'x', datatype: 'FP32', shape: [-1, 4] } as const;
  const z = { ...x, name: 'z' };
  const of = (...inputs: readonly (typeof x | typeof z)[]) => ({ inputs, outputs: [] });
  assert.equal(signatureMismatch(of(x, z), of(z, x)), undefined);
  assert.equal(signatureMismatch(of(x, z), of(x)), "it has no input 'z'");
  const other = { inputs: [{ ...x, datatype: 'FP64' as const }], outputs: [] };
  assert.equal(signatureMismatch(of(x), other), "its input 'x' is FP64, expected FP32");
  const wide = { inputs: [{ ...x, shape: [8, 5] }], outputs: [] };
  assert.equal(signatureMismatch(of(x), wide), "its input 'x' has shape [8,5], expected [-1,4]");
});
