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

/**
 * A look takes 20 ms at most, which a busy machine may exceed nine times of ten: then it is tried again, with a value
 * of its own, until the test's own time is up.
 */
async function tries(attempt: (i: number) => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await attempt(i)); i++);
}

test('what one gateway computed another answers, a poisoned value neither; a stopped server stops nobody', async t => {
  await using redis = await startRedis({ password: 'a secret' });
  const [one, other] = await gateways(t, 2, { url: redis.url, password: 'a secret' });
  assert.ok(other !== undefined);
  const client = createClient({ url: redis.url, password: 'a secret' }).on('error', () => {});
  t.after(() => client.isOpen && client.destroy());
  await client.connect();
  const names = async () => (await client.keys('headgate:*')).filter(name => !name.endsWith('generations'));
  const up = 'headgate_shared_cache_up';
  const bothUp = () => Promise.all([until(one, up, 1), until(other, up, 1)]);
  /** False: it was not written, because the server was too slow just then. */
  const isWritten = async (value: number) => {
    await bothUp();
    const before = (await names()).length;
    await ask(one, value);
    while ((await names()).length === before) {
      if ((await metric(one, up)) !== 1) return false;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    return true;
  };

  await tries(async i => (await isWritten(1000 + i)) && (await ask(other, 1000 + i)) === 'hit');
  await tries(async i => {
    if (!(await isWritten(2e6 + i))) return false;
    for (const name of await names()) await client.set(name, Buffer.from('poison'));
    const refused = 'headgate_shared_cache_refused_total';
    // A look that took too long may have been refused late: more are what counts.
    const before = await metric(other, refused);
    assert.equal(await ask(other, 2e6 + i), 'miss');
    return (await metric(other, refused)) > before;
  });
  client.destroy();

  await bothUp();
  redis.process.kill('SIGSTOP');
  for (let i = 3; i < 10; i++) assert.equal(await ask(one, i), 'miss');
  assert.equal(await metric(one, up), 0);
  redis.process.kill('SIGCONT');
  await until(one, up, 1);
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
