import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerRow } from '../../src/admin/service.ts';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { freePort, type Headgate, startHeadgate } from '../support/headgate.ts';
import { mlp, slow, writeRepository } from '../support/onnx.ts';

let folder: string;
let gateway: Headgate;
let workers: Headgate[];

const MLP = mlp([4, 16, 3]);
const SLOW = slow(20_000);

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-remote-'));
  const [there, here] = [path.join(folder, 'there'), path.join(folder, 'here')];
  await writeRepository(there, { mlp: { versions: { 1: MLP } }, slow: { versions: { 1: SLOW } } });
  workers = await Promise.all([1, 2].map(() => startHeadgate({ repository: there, command: 'worker' })));
  const remotes = workers.map(({ url }) => `  - { url: "${url}", concurrency: 1 }\n`).join('');
  const nobody = `remote: [{ url: "http://127.0.0.1:${await freePort()}", model: mlp }]\n`;
  await writeRepository(here, {
    mlp: { versions: { 1: MLP } },
    elsewhere: {
      versions: {},
      config: `remote: [{ url: "${workers[0]?.url}", model: mlp, version: "1" }]\n`,
    },
    beside: { versions: { 1: MLP }, config: nobody },
    slow: { versions: {}, config: `maxBatchSize: 2\ntimeoutMs: 30000\nremote:\n${remotes}` },
  });
  gateway = await startHeadgate({ repository: here });
});

after(async () => {
  for (const one of [gateway, ...(workers ?? [])]) await one?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function workerRows(): Promise<readonly WorkerRow[]> {
  return (await (await fetch(`${gateway.adminUrl}/v1/workers`)).json()) as readonly WorkerRow[];
}

const rowOf = (seed: number) => ({
  name: 'x',
  shape: [1, 4],
  data: Float32Array.from({ length: 4 }, (_, i) => Math.sin(seed * 4 + i)),
});

test('a model of which only a remote has the file answers bit for bit as it does here', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const [here, there] = [
      await inferBinary(inferUrl(gateway.url, 'mlp'), [rowOf(seed)]),
      await inferBinary(inferUrl(gateway.url, 'elsewhere'), [rowOf(seed)]),
    ];
    assertOk(here);
    assertOk(there);
    assert.ok(here.binary.size > 0);
    assert.deepEqual(there.binary, here.binary);
  }
});

test('a remote that nobody answers at keeps no version from its own instances, and is shown', async () => {
  assertOk(await inferBinary(inferUrl(gateway.url, 'beside'), [rowOf(1)]));
  const remote = (await workerRows()).find(({ state }) => state === 'unreachable');
  assert.deepEqual(
    [remote?.device, remote?.detail, remote?.models?.[0]?.model],
    ['remote', 'ECONNREFUSED', 'beside'],
  );
});

test('a remote that comes later is found by itself, and the index says meanwhile that it is not there', async () => {
  const port = await freePort();
  const late = path.join(folder, 'late');
  await writeRepository(late, {
    mlp: { versions: {}, config: `remote: [{ url: "http://127.0.0.1:${port}" }]\n` },
  });
  await using waiting = await startHeadgate({ repository: late, waitForReady: false });
  const index = async () => {
    const response = await fetch(`${waiting.url}/v2/repository/index`, { method: 'POST' });
    const [entry] = (await response.json()) as { state: string; reason: string }[];
    return entry;
  };
  while ((await index())?.state !== 'UNAVAILABLE') await sleep(20);
  assert.match(
    (await index())?.reason ?? '',
    /^no remote can be used, and they are asked again: .*ECONNREFUSED/,
  );
  await using _ = await startHeadgate({
    repository: path.join(folder, 'there'),
    command: 'worker',
    port,
  });
  while ((await index())?.state !== 'READY') await sleep(20);
  const there = await inferBinary(inferUrl(waiting.url, 'mlp'), [rowOf(3)]);
  assertOk(there);
  assert.deepEqual(there.binary, (await inferBinary(inferUrl(gateway.url, 'mlp'), [rowOf(3)])).binary);
});

test('when a remote is killed under a batch the other answers, and nobody gets a wrong answer', async () => {
  const [killed] = workers as [Headgate, Headgate];
  const width = 64;
  const ask = (seed: number) => {
    const data = Float32Array.from({ length: width }, (_, i) => (seed + i) / 1000);
    return inferBinary(inferUrl(gateway.url, 'slow'), [{ name: 'x', shape: [1, width], data }]);
  };
  const expected = await Promise.all([0, 1, 2, 3].map(ask));
  expected.forEach(assertOk);
  const answers = [0, 1, 2, 3, 0, 1, 2, 3].map(ask);
  await Promise.race(answers);
  await killed.stop('SIGKILL');
  for (const [i, answer] of (await Promise.all(answers)).entries()) {
    assertOk(answer);
    assert.deepEqual(answer.binary, expected[i % 4]?.binary);
  }
  const row = (await workerRows()).find(
    ({ name, models }) => name === killed.url && models?.[0]?.model === 'slow',
  );
  assert.equal(row?.state, 'unreachable');
});
