/** The gateway without its ports, in this process, with real workers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { loadGatewayConfig } from '../../src/config/gateway-config.ts';
import { createEvents, type Events } from '../../src/events.ts';
import { Gateway } from '../../src/gateway.ts';
import type { PoolOptions } from '../../src/pool/pool.ts';
import { identity, spin, writeRepository } from '../support/onnx.ts';
import { isAlive } from '../support/processes.ts';
import type { ModelFiles } from '../support/repository.ts';

async function make(t: TestContext, models: Readonly<Record<string, ModelFiles>>, pool: PoolOptions = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-gateway-'));
  const repository = path.join(folder, 'models');
  await writeRepository(repository, models);
  const events: Events = createEvents();
  const loaded = loadGatewayConfig({ overrides: { repository } });
  const gateway = new Gateway(
    loaded,
    { joinsRequests: true, pool: { cores: 1, socketParent: folder, ...pool } },
    events,
  );
  t.after(async () => {
    await gateway.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { gateway, events };
}

test('a gateway whose models have had no worker for five seconds is not ready, and is again when they have', async t => {
  const { gateway, events } = await make(t, { identity: { versions: { 1: identity() } } });
  await gateway.start();
  assert.equal(gateway.isReady(), true);
  const exited = once(events, 'worker:changed');
  process.kill(gateway.operators.workers()[0]?.pid as number, 'SIGKILL');
  await exited;
  assert.equal(gateway.isReady(), true, 'a worker that is being replaced is no reason yet');
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + 6000);
  assert.equal(gateway.isReady(), false);
  while (!gateway.isReady()) await setImmediate();
});

test('a run that its model may take so long is no hang', { timeout: 60_000 }, async t => {
  const { gateway, events } = await make(
    t,
    { spin: { versions: { 1: spin() }, config: 'maxTimeoutMs: 600000\n' } },
    { hungAfterMs: 100 },
  );
  await gateway.start();
  const changes: string[] = [];
  events.on('worker:changed', ({ state }) => changes.push(state));
  const data = new Uint8Array(BigInt64Array.of(300_000n).buffer);
  const { result } = gateway.target('spin', undefined).submit({
    inputs: [{ name: 'iterations', datatype: 'INT64', shape: [1, 1], data }],
    outputs: undefined,
    rows: 1,
    deadline: performance.now() + 600_000,
    priority: 1,
  });
  const { timing } = await result;
  assert.deepEqual(changes, []);
  assert.ok(timing.inferMs > 100, `the run must be longer than a hang: ${timing.inferMs} ms`);
});

test('a start that is overtaken by close leaves no worker', async t => {
  const { gateway } = await make(t, { identity: { versions: { 1: identity() } } });
  const started = assert.rejects(gateway.start(), { code: 'unavailable' });
  await gateway.close();
  await started;
  assert.deepEqual(
    gateway.operators.workers().filter(({ pid }) => pid !== undefined && isAlive(pid)),
    [],
  );
});
