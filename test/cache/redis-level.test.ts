import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { createClient } from '@redis/client';
import { RedisLevel, type RedisObserver, type RedisOptions } from '../../src/cache/redis-level.ts';
import type { StoredResult } from '../../src/cache/stored-result.ts';
import { ints, valuesOf } from '../batch/requests.ts';
import { freePort } from '../support/headgate.ts';
import { startRedis } from '../support/redis.ts';

const KEY = 'k'.repeat(32);
const RESULT: StoredResult = { outputs: [ints([1, 2])], storedAt: 5 };

const ANY = () => true;

type State = Parameters<RedisObserver['changed']>[0];

/** What a level tells, and a promise of the next time that it tells something. */
class Observed implements RedisObserver {
  readonly states: string[] = [];
  refusals = 0;
  readonly #waiting = new Map<string, () => void>();

  changed(state: State, why: string): void {
    this.states.push(why === '' ? state : `${state}: ${why}`);
    this.#waiting.get(state)?.();
  }

  refused(): void {
    this.refusals++;
  }

  until(state: State): Promise<void> {
    if (this.states.at(-1)?.startsWith(state)) return Promise.resolve();
    return new Promise(resolve => this.#waiting.set(state, resolve));
  }
}

function level(
  t: TestContext,
  over: Partial<RedisOptions> & { readonly url: string },
  purged: string[] = [],
) {
  const observed = new Observed();
  const shared = new RedisLevel(
    {
      username: undefined,
      password: undefined,
      prefix: 'test:',
      timeoutMs: 50,
      maxValueBytes: 1000,
      ...over,
    },
    observed,
    (model, version) => void purged.push(version === undefined ? model : `${model}/${version}`),
  );
  t.after(() => shared.close());
  return { shared, observed, results: shared.of('m', '1') };
}

/** Asks until it is there: writing is not waited for. */
async function found(results: ReturnType<RedisLevel['of']>, key = KEY): Promise<StoredResult> {
  for (;;) {
    const [result] = (await results.get([key], ANY)) ?? [];
    if (result !== undefined) return result;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

async function usable({ results }: ReturnType<typeof level>): Promise<void> {
  while (results.get([KEY], ANY) === undefined) await new Promise(resolve => setTimeout(resolve, 5));
}

test('what one gateway keeps another finds', async t => {
  await using redis = await startRedis();
  const [one, other] = [level(t, redis), level(t, redis)];
  await usable(one);
  await usable(other);
  one.results.set(KEY, RESULT, 60_000);
  const result = await found(other.results);
  assert.deepEqual([valuesOf(result), result.storedAt], [[1, 2], 5]);
  assert.deepEqual(await other.results.get(['x'.repeat(32)], ANY), [undefined]);
});

test('a password is used, and a wrong one costs nobody anything', async t => {
  await using redis = await startRedis({ password: 'right' });
  const right = level(t, { url: redis.url, password: 'right' });
  await usable(right);
  const wrong = level(t, { url: redis.url, password: 'wrong' });
  await wrong.observed.until('disconnected');
  assert.equal(wrong.results.get([KEY], ANY), undefined);
  wrong.results.set(KEY, RESULT, 1000);
  assert.deepEqual(wrong.observed.states, ['disconnected: the password or user is wrong']);
});

test('a server that is not there costs nobody anything, and is used once it is', async t => {
  const port = await freePort();
  const late = level(t, { url: `redis://127.0.0.1:${port}` });
  await late.observed.until('disconnected');
  assert.equal(late.results.get([KEY], ANY), undefined);
  await using _redis = await startRedis({ port });
  await usable(late);
});

test('a server that hangs is waited for once, and asked again when it answers', async t => {
  await using redis = await startRedis();
  const one = level(t, redis);
  await usable(one);
  redis.process.kill('SIGSTOP');
  assert.deepEqual(await one.results.get([KEY], ANY), [undefined]);
  assert.equal(one.results.get([KEY], ANY), undefined);
  assert.ok(one.observed.states.includes('open'));
  redis.process.kill('SIGCONT');
  await one.observed.until('closed');
  assert.notEqual(one.results.get([KEY], ANY), undefined);
});

test('values that no gateway wrote for their key are refused and counted', async t => {
  await using redis = await startRedis();
  const one = level(t, redis);
  await usable(one);
  one.results.set(KEY, RESULT, 60_000);
  await found(one.results);
  const client = await createClient({ url: redis.url }).connect();
  for (const name of await client.keys('test:*')) await client.set(name, 'poison');
  client.destroy();
  assert.deepEqual(await one.results.get([KEY], ANY), [undefined]);
  assert.equal(one.observed.refusals, 1);
});

test('larger values than allowed are not shared', async t => {
  await using redis = await startRedis();
  const one = level(t, redis);
  await usable(one);
  one.results.set(KEY, { outputs: [ints(new Array<number>(1000).fill(1))], storedAt: 0 }, 60_000);
  one.results.set('s'.repeat(32), RESULT, 60_000);
  await found(one.results, 's'.repeat(32));
  assert.deepEqual(await one.results.get([KEY], ANY), [undefined]);
});

test('a purge holds for every gateway', async t => {
  await using redis = await startRedis();
  const purged: string[] = [];
  const [one, other] = [level(t, redis), level(t, redis, purged)];
  await usable(one);
  await usable(other);
  one.results.set(KEY, RESULT, 60_000);
  await found(other.results);
  await one.shared.purge('m', undefined);
  assert.deepEqual(await one.results.get([KEY], ANY), [undefined]);
  while (purged.length === 0) await new Promise(resolve => setTimeout(resolve, 20));
  assert.deepEqual(purged, ['m']);
  assert.deepEqual(await other.results.get([KEY], ANY), [undefined]);
});

test('what was purged stays purged when the server loses what it was told', async t => {
  await using redis = await startRedis();
  const one = level(t, redis);
  await usable(one);
  one.results.set(KEY, RESULT, 60_000);
  await found(one.results);
  await one.shared.purge('m', '1');
  const client = await createClient({ url: redis.url }).connect();
  assert.equal(await client.del('test:generations'), 1);
  while ((await client.exists('test:generations')) === 0)
    await new Promise(resolve => setTimeout(resolve, 20));
  client.destroy();
  assert.deepEqual(await one.results.get([KEY], ANY), [undefined]);
});

test('values that the model cannot have answered are refused, though their checksum is right', async t => {
  await using redis = await startRedis();
  const one = level(t, redis);
  await usable(one);
  one.results.set(KEY, RESULT, 60_000);
  await found(one.results);
  assert.deepEqual(await one.results.get([KEY], () => false), [undefined]);
  assert.equal(one.observed.refusals, 1);
});
