/** Gateways that share a cache, and what becomes of their requests when it is not what it should be. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { createClient } from '@redis/client';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { freePort, type Headgate, startHeadgate } from '../support/headgate.ts';
import { addConstant, writeRepository } from '../support/onnx.ts';
import { startRedis } from '../support/redis.ts';

async function gateways(t: TestContext, count: number, redis: Readonly<Record<string, unknown>>) {
  const repository = await mkdtemp(path.join(tmpdir(), 'headgate-shared-'));
  t.after(() => rm(repository, { recursive: true, force: true }));
  await writeRepository(repository, {
    add: { versions: { 1: addConstant(1) }, config: 'cache: { enabled: true }\n' },
  });
  const started: Headgate[] = [];
  for (let i = 0; i < count; i++) {
    const one = await startHeadgate({
      repository,
      config: { cache: { redis: { timeoutMs: 20, ...redis } } },
    });
    t.after(() => one[Symbol.asyncDispose]());
    started.push(one);
  }
  return started as [Headgate, ...Headgate[]];
}

const ask = async ({ url }: Headgate, value: number) => {
  const x = { name: 'x', shape: [1, 4], data: Float32Array.of(value, value, value, value) };
  const answer = await inferBinary(inferUrl(url, 'add'), [x]);
  assertOk(answer);
  assert.deepEqual([...(answer.binary.get('y') ?? [])], new Array(4).fill(value + 1));
  return answer.headers.get('headgate-cache');
};

async function metric({ adminUrl }: Headgate, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

async function until(gateway: Headgate, name: string, value: number): Promise<void> {
  while ((await metric(gateway, name)) !== value) await new Promise(resolve => setTimeout(resolve, 20));
}

test('what one gateway computed another answers, a poisoned value neither; a stopped server stops nobody', async t => {
  await using redis = await startRedis({ password: 'a secret' });
  const [one, other] = await gateways(t, 2, { url: redis.url, password: 'a secret' });
  assert.ok(other !== undefined);
  for (const gateway of [one, other]) await until(gateway, 'headgate_shared_cache_up', 1);

  await ask(one, 1);
  const client = createClient({ url: redis.url, password: 'a secret' }).on('error', () => {});
  await client.connect();
  const names = async () => (await client.keys('headgate:*')).filter(name => !name.endsWith('generations'));
  while ((await names()).length < 1) await new Promise(resolve => setTimeout(resolve, 20));
  assert.equal(await ask(other, 1), 'hit');

  await ask(one, 2);
  while ((await names()).length < 2) await new Promise(resolve => setTimeout(resolve, 20));
  for (const name of await names()) await client.set(name, Buffer.from('poison'));
  client.destroy();
  assert.equal(await ask(other, 2), 'miss');
  assert.equal(await metric(other, 'headgate_shared_cache_refused_total'), 1);

  redis.process.kill('SIGSTOP');
  for (let i = 3; i < 10; i++) assert.equal(await ask(one, i), 'miss');
  assert.equal(await metric(one, 'headgate_shared_cache_up'), 0);
  redis.process.kill('SIGCONT');
  await until(one, 'headgate_shared_cache_up', 1);
});

test('a wrong password or no server at all costs nobody anything, and leaks nothing', async t => {
  await using redis = await startRedis({ password: 'a secret' });
  const [wrong] = await gateways(t, 1, { url: redis.url, password: 'the wrong one' });
  const [none] = await gateways(t, 1, { url: `redis://127.0.0.1:${await freePort()}` });
  for (const gateway of [wrong, none]) {
    assert.equal(await ask(gateway, 1), 'miss');
    assert.equal(await ask(gateway, 1), 'hit');
    assert.equal((await metric(gateway, 'headgate_shared_cache_up')) === 1, false);
  }
  assert.doesNotMatch(wrong.output(), /the wrong one/);
});
