import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { assertOk, type FloatTensor, inferBinary, inferJson, inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { addConstant, identity, nan, nonDeterministic, writeRepository } from '../support/onnx.ts';
import { type SentRequest, sendBinary } from '../support/sent-request.ts';

const CACHED = 'cache: { enabled: true }\n';

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-cache-'));
  await writeRepository(folder, {
    add: {
      versions: { 1: addConstant(1), 2: addConstant(2) },
      config: `${CACHED}versions: all\nstable: 1\n`,
    },
    replaced: { versions: { 1: addConstant(1) }, config: CACHED },
    uncached: { versions: { 1: identity() }, config: 'timeoutMs: 60000\n' },
    random: { versions: { 1: nonDeterministic() }, config: CACHED },
    nan: { versions: { 1: nan() }, config: CACHED },
  });
  headgate = await startHeadgate({ repository: folder });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const rows = (values: readonly number[], count = 1): FloatTensor => ({
  name: 'x',
  shape: [count, values.length / count],
  data: Float32Array.from(values),
});

interface Counts {
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<'cache_hit' | 'cache_miss', { readonly count: number }>>;
}

async function counts(model: string): Promise<Counts> {
  const response = await fetch(`${headgate.url}/v2/models/${model}/stats`);
  const { model_stats } = (await response.json()) as { model_stats: [Counts] };
  return model_stats[0];
}

const outcome = ({ headers }: { readonly headers: Headers }) => headers.get('headgate-cache');
const asked = (values: readonly number[], headers: Readonly<Record<string, string>> = {}, model = 'add') =>
  inferBinary(inferUrl(headgate.url, model), [rows(values)], headers);

test('a JSON call and a binary call of the same input share a result, and the statistics know it', async () => {
  const before = await counts('add');
  const first = await inferJson(inferUrl(headgate.url, 'add'), [rows([1, 2, 3, 4])]);
  assertOk(first);
  assert.deepEqual([outcome(first), first.headers.get('age')], ['miss', null]);
  const second = await asked([1, 2, 3, 4]);
  assert.deepEqual([outcome(second), second.headers.get('age')], ['hit', '0']);
  assert.deepEqual([...(second.binary.get('y') ?? [])], [2, 3, 4, 5]);
  const after = await counts('add');
  assert.equal(after.inference_count - before.inference_count, 1);
  assert.equal(after.execution_count - before.execution_count, 1);
  assert.deepEqual(
    [after.inference_stats.cache_hit.count, after.inference_stats.cache_miss.count],
    [before.inference_stats.cache_hit.count + 1, before.inference_stats.cache_miss.count + 1],
  );
});

test('versions do not answer for each other', async () => {
  await asked([5, 5, 5, 5]);
  const other = await inferBinary(inferUrl(headgate.url, 'add', '2'), [rows([5, 5, 5, 5])]);
  assert.equal(outcome(other), 'miss');
  assert.deepEqual([...(other.binary.get('y') ?? [])], [7, 7, 7, 7]);
});

test('cache-control is obeyed', async () => {
  const values = [6, 6, 6, 6];
  const none = await asked(values, { 'cache-control': 'only-if-cached' });
  assert.equal(none.status, 504);
  assert.match(none.json.error ?? '', /only-if-cached/);
  assert.equal(outcome(await asked(values, { 'cache-control': 'no-store' })), 'bypass');
  assert.equal(outcome(await asked(values)), 'miss');
  assert.equal(outcome(await asked(values, { 'cache-control': 'no-cache' })), 'miss');
  assert.equal(outcome(await asked(values, { 'cache-control': 'only-if-cached' })), 'hit');
});

test('of many rows those that are known are not run again', async () => {
  await asked([7, 7, 7, 7]);
  const before = await counts('add');
  const answer = await inferBinary(inferUrl(headgate.url, 'add'), [
    rows([8, 8, 8, 8, 7, 7, 7, 7, 9, 9, 9, 9], 3),
  ]);
  assertOk(answer);
  assert.deepEqual([...(answer.binary.get('y') ?? [])], [9, 9, 9, 9, 8, 8, 8, 8, 10, 10, 10, 10]);
  const after = await counts('add');
  assert.equal(after.inference_count - before.inference_count, 2);
});

/** So many equal requests, all of which reach the gateway while its worker stands still. */
async function whileTheWorkerStandsStill(
  count: number,
  values: readonly number[],
  meanwhile: (requests: readonly SentRequest[]) => Promise<void>,
): Promise<readonly SentRequest[]> {
  const [worker] = (await (await fetch(`${headgate.adminUrl}/v1/workers`)).json()) as [{ pid: number }];
  process.kill(worker.pid, 'SIGSTOP');
  try {
    const url = inferUrl(headgate.url, 'uncached');
    const requests = Array.from({ length: count }, () => sendBinary(url, [rows(values)]));
    await Promise.all(requests.map(({ sent }) => sent));
    // The gateway takes connections in the order they came, and then reads them: this one is answered after it read those.
    await sendAside();
    await meanwhile(requests);
    await sendAside();
    return requests;
  } finally {
    process.kill(worker.pid, 'SIGCONT');
  }
}

async function sendAside(): Promise<void> {
  const [response] = (await once(
    get(`${headgate.url}/v2/health/ready`, { agent: new Agent() }),
    'response',
  )) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  response.resume();
}

test('1,000 equal requests at once are one run, without a cache too', async () => {
  const before = await counts('uncached');
  const requests = await whileTheWorkerStandsStill(1000, [1, 2, 3, 4], async () => {});
  const answers = await Promise.all(requests.map(({ answer }) => answer));
  assert.ok(answers.every(({ status, binary }) => status === 200 && binary.get('y')?.[3] === 4));
  assert.equal((await counts('uncached')).execution_count - before.execution_count, 1);
  assert.equal(answers.filter(answer => outcome(answer) === 'coalesced').length, 999);
});

test('callers who leave, the first of them too, take nothing from the others', async () => {
  const before = await counts('uncached');
  const requests = await whileTheWorkerStandsStill(1000, [4, 3, 2, 1], async ([first, ...others]) => {
    const leaving = [first as SentRequest, ...others.filter((_, i) => i % 10 === 0)];
    for (const request of leaving) request.hangUp();
    await Promise.all(leaving.map(({ answer }) => assert.rejects(answer)));
  });
  const answers = await Promise.allSettled(requests.map(({ answer }) => answer));
  const answered = answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []));
  assert.equal(answered.length, 899);
  assert.ok(answered.every(({ status, binary }) => status === 200 && binary.get('y')?.[3] === 1));
  assert.equal((await counts('uncached')).execution_count - before.execution_count, 1);
});

test('what is never cached: a model that answers at random, values that are not finite, a model that was not told to', async () => {
  for (const model of ['random', 'nan', 'uncached']) {
    await asked([1, 2, 3, 4], {}, model);
    const again = await asked([1, 2, 3, 4], {}, model);
    assertOk(again);
    assert.notEqual(outcome(again), 'hit', model);
  }
});

test('a model that is replaced in place never answers with what the old one said', async () => {
  const values = [3, 3, 3, 3];
  await asked(values, {}, 'replaced');
  await writeRepository(folder, { replaced: { versions: { 1: addConstant(10) }, config: CACHED } });
  const load = await fetch(`${headgate.adminUrl}/v2/repository/models/replaced/load`, { method: 'POST' });
  assert.equal(load.status, 200, await load.text());
  const after = await asked(values, {}, 'replaced');
  assert.equal(outcome(after), 'miss');
  assert.deepEqual([...(after.binary.get('y') ?? [])], [13, 13, 13, 13]);
});

test('operators see what is kept, and can drop it', async () => {
  await asked([2, 2, 2, 2]);
  const listed = await fetch(`${headgate.adminUrl}/v1/models`);
  const models = (await listed.json()) as { name: string; version: string; cache?: { results: number } }[];
  const kept = models.find(({ name, version }) => name === 'add' && version === '1')?.cache?.results ?? 0;
  assert.ok(kept > 0);
  const metrics = await (await fetch(`${headgate.adminUrl}/metrics`)).text();
  assert.match(metrics, new RegExp(`headgate_cache_results\\{model="add",version="1"\\} ${kept}`));
  assert.match(metrics, /headgate_cache_requests_total\{model="add",version="1",outcome="hit"\} \d/);
  const purge = (body: object) =>
    fetch(`${headgate.adminUrl}/v1/models/add/cache/purge`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  assert.deepEqual(await (await purge({ version: '1' })).json(), { purged: kept });
  assert.equal(outcome(await asked([2, 2, 2, 2])), 'miss');
  assert.equal((await purge({ version: 'one' })).status, 400);
});
