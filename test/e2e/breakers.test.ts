import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import type { BreakerRow } from '../../src/admin/service.ts';
import { type Answer, assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { addConstant, identity, slow, writeRepository } from '../support/onnx.ts';

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-breakers-'));
  await writeRepository(folder, {
    plain: { versions: { 1: identity() } },
    versioned: { versions: { 1: addConstant(1), 2: addConstant(2) }, config: 'fallback: { version: 1 }\n' },
    spare: { versions: { 1: addConstant(7) } },
    covered: { versions: { 1: identity() }, config: 'fallback: { model: spare }\n' },
    misfit: { versions: { 1: identity({ shape: [-1, 9] }) }, config: 'fallback: { model: spare }\n' },
    circle: { versions: { 1: identity() }, config: 'fallback: { model: square }\n' },
    square: { versions: { 1: identity() }, config: 'fallback: { model: circle }\n' },
    slow: {
      versions: { 1: slow(20_000) },
      config: 'coalesce: false\nbreaker: { leastRuns: 3, slowRunMs: 1, openMs: 300000 }\n',
    },
    stale: { versions: { 1: addConstant(3) }, config: 'cache: { enabled: true, ttlMs: 1 }\n' },
  });
  headgate = await startHeadgate({ repository: folder });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const ROW = { name: 'x', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };

const ask = (model: string, version?: string): Promise<Answer> =>
  inferBinary(inferUrl(headgate.url, model, version), [ROW]);

async function setBreaker(model: string, version: string, body: unknown): Promise<number> {
  const url = `${headgate.adminUrl}/v1/models/${model}/versions/${version}/breaker`;
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
}

const told = ({ status, headers, binary }: Answer): readonly unknown[] => [
  status,
  headers.get('headgate-route'),
  headers.get('headgate-version'),
  binary.get('y')?.[0],
];

test('opened by hand a version answers 503 with when to come back, others answer, and it is shown everywhere', async () => {
  assertOk(await ask('plain'));
  assert.equal(await setBreaker('plain', '1', { state: 'open', reason: 'maintenance' }), 200);
  const { status, headers, json } = await ask('plain');
  assert.deepEqual(
    [status, headers.get('retry-after'), headers.get('headgate-retry-after-ms'), json.error],
    [503, '10', '10000', 'model "plain" version 1 is out of service: maintenance'],
  );
  assertOk(await ask('spare'));

  const rows = (await (await fetch(`${headgate.adminUrl}/v1/breakers`)).json()) as BreakerRow[];
  const row = rows.find(({ model }) => model === 'plain');
  assert.deepEqual([row?.worker, row?.state, row?.reason], ['cpu', 'open', 'maintenance']);
  const models = (await (await fetch(`${headgate.adminUrl}/v1/models`)).json()) as {
    name: string;
    reason: string;
  }[];
  const reason = models.find(({ name }) => name === 'plain')?.reason;
  assert.equal(reason, 'breaker open on cpu: maintenance');
  const metrics = await (await fetch(`${headgate.adminUrl}/metrics`)).text();
  assert.match(metrics, /headgate_breaker_state\{model="plain",version="1",worker="cpu"\} 2\n/);
  assert.match(metrics, /headgate_breaker_transitions_total\{[^}]*model="plain"[^}]*state="open"[^}]*\} 1\n/);
  assert.match(headgate.output(), /breaker open/);

  assert.equal(await setBreaker('plain', '1', { state: 'closed' }), 200);
  assertOk(await ask('plain'));
});

test('only a version that is ready has breakers', async () => {
  for (const [model, version] of [
    ['plain', '7'],
    ['nobody', '1'],
  ] as const)
    assert.equal(await setBreaker(model, version, { state: 'open' }), 404);
});

test('another version answers while one is out, and says so', async () => {
  assert.deepEqual(told(await ask('versioned')), [200, 'stable', '2', 3]);
  await setBreaker('versioned', '2', { state: 'open' });
  assert.deepEqual(told(await ask('versioned')), [200, 'fallback', '1', 2]);
  assert.deepEqual(told(await ask('versioned', '1')), [200, 'pinned', '1', 2]);
  await setBreaker('versioned', '1', { state: 'open' });
  assert.equal((await ask('versioned')).status, 503);
  await setBreaker('versioned', '1', { state: 'closed' });
  await setBreaker('versioned', '2', { state: 'closed' });
  assert.deepEqual(told(await ask('versioned')), [200, 'stable', '2', 3]);
});

test('another model answers while one is out; what the caller did wrong stays wrong', async () => {
  await setBreaker('covered', '1', { state: 'open' });
  const answer = await ask('covered');
  assert.deepEqual(told(answer), [200, 'fallback', '1', 8]);
  const wrong = { ...ROW, shape: [2, 2] };
  assert.equal((await inferBinary(inferUrl(headgate.url, 'covered'), [wrong])).status, 400);
});

test('a model of another form is no fallback, and that is said once', async () => {
  await setBreaker('misfit', '1', { state: 'open' });
  const nine = { name: 'x', shape: [1, 9], data: new Float32Array(9) };
  for (let i = 0; i < 3; i++)
    assert.equal((await inferBinary(inferUrl(headgate.url, 'misfit'), [nine])).status, 503);
  const said = headgate.output().match(/fallback: spare version 1 cannot answer for version 1/g);
  assert.equal(said?.length, 1, headgate.output());
});

test('two that stand in for each other and are both out answer 503 at once', async () => {
  await setBreaker('circle', '1', { state: 'open' });
  assert.deepEqual(told(await ask('circle')), [200, 'fallback', '1', 1]);
  await setBreaker('square', '1', { state: 'open' });
  assert.deepEqual([(await ask('circle')).status, (await ask('square')).status], [503, 503]);
});

test('what is kept past its time answers for a version that is out', async () => {
  assert.deepEqual(told(await ask('stale')), [200, 'stable', '1', 4]);
  await setBreaker('stale', '1', { state: 'open' });
  const answer = await ask('stale');
  assert.deepEqual(
    [...told(answer), answer.headers.get('headgate-cache')],
    [200, 'fallback', '1', 4, 'stale'],
  );
  const other = { ...ROW, data: Float32Array.of(9, 9, 9, 9) };
  assert.equal((await inferBinary(inferUrl(headgate.url, 'stale'), [other])).status, 503);
});

test('a version that is loaded anew is still out when a hand took it out', async () => {
  await setBreaker('spare', '1', { state: 'open', reason: 'by hand' });
  const url = `${headgate.adminUrl}/v2/repository/models/spare/load`;
  await writeFile(path.join(folder, 'spare', 'config.yaml'), 'maxTimeoutMs: 59000\n');
  assert.equal((await fetch(url, { method: 'POST' })).status, 200);
  assert.match((await ask('spare')).json.error ?? '', /out of service: by hand/);
  await setBreaker('spare', '1', { state: 'closed' });
  assertOk(await ask('spare'));
});

test('a version that has become too slow is left out by itself, with when it is tried again', async () => {
  const row = { name: 'x', shape: [1, 64], data: new Float32Array(64) };
  let answer: Answer;
  do answer = await inferBinary(inferUrl(headgate.url, 'slow'), [row]);
  while (answer.status === 200);
  assert.equal(answer.status, 503);
  assert.match(answer.json.error ?? '', /is out of service: \d+ of \d+ runs took longer than 1 ms$/);
  assert.ok(Number(answer.headers.get('retry-after')) > 100, String(answer.headers.get('retry-after')));
  assertOk(await ask('spare'));
});
