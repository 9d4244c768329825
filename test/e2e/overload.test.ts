/** More than can be done, in a real gateway: priorities in a full queue, and a loop that is late. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PressureView } from '../../src/admin/service.ts';
import { sendRaw } from '../http/raw-client.ts';
import { type Answer, inferBinary, inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { identity, slow, writeRepository } from '../support/onnx.ts';

const HOOK = new URL('../support/late-loop.ts', import.meta.url).href;
const ROW = { name: 'x', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };

let folder: string;
let headgate: Headgate;
let late: string;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-overload-'));
  const repository = path.join(folder, 'models');
  late = path.join(folder, 'late');
  await writeRepository(repository, {
    plain: { versions: { 1: identity() } },
    slow: {
      versions: { 1: slow(300_000, 4) },
      config:
        'coalesce: false\nmaxBatchSize: 1\npriorityLevels: 2\ntimeoutMs: 30000\nbatching: { maxQueueRows: 2 }\ninstances: [{ count: 1 }]\n',
    },
  });
  headgate = await startHeadgate({
    repository,
    env: { NODE_OPTIONS: `--import=${HOOK}`, LATE_LOOP: late },
  });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const ask = (model: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  inferBinary(inferUrl(headgate.url, model), [ROW], headers);

async function adminJson<T>(url: string): Promise<T> {
  return (await (await fetch(`${headgate.adminUrl}${url}`)).json()) as T;
}

const waiting = async (): Promise<number> => {
  const models = await adminJson<readonly { name: string; queuedRows?: number }[]>('/v1/models');
  return models.find(({ name }) => name === 'slow')?.queuedRows ?? 0;
};

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within half a minute: ${what}`);
    await sleep(20);
  }
}

test('a full queue lets the least urgent go for an urgent request, and tells it when to come again', async () => {
  const running = [ask('slow'), ask('slow')];
  await until('a run, and one ahead of it or waiting', async () => (await waiting()) <= 1);
  const usual: Promise<Answer>[] = [];
  while ((await waiting()) < 2) {
    usual.push(ask('slow'));
    assert.ok(usual.length < 100, 'the queue is never full');
  }
  const urgent = ask('slow', { 'headgate-priority': '1' });
  const answers = await Promise.all([...running, ...usual]);
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal((await urgent).status, 200);
  assert.ok(
    refused.length >= 1 && refused.every(({ status }) => status === 429),
    `${refused.length} refused`,
  );
  assert.ok(refused.some(({ json }) => /gave way to a more urgent one/.test(json.error ?? '')));
  assert.ok(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1));
});

const stepsOff = async (): Promise<number> => {
  const { steps } = await adminJson<PressureView>('/v1/pressure');
  return steps.filter(({ isOff }) => isOff).length;
};

test('a loop that stays late gives up one thing after the other, new connections last, and takes all up again', async () => {
  assert.equal(await stepsOff(), 0);
  await writeFile(late, '');
  await until('all is given up', async () => (await stepsOff()) === 4);
  const body = JSON.stringify({
    inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }],
  });
  const { port, pathname } = new URL(inferUrl(headgate.url, 'plain'));
  const head = `POST ${pathname} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
  const refused = await sendRaw(Number(port), [head, body]);
  assert.deepEqual([refused.closed, refused.responses.map(({ status }) => status)], [true, [503]]);
  assert.match(`${refused.responses[0]?.body}`, /takes no new connections/);
  assert.equal((await fetch(`${headgate.url}/v2/health/live`)).status, 200);
  const metrics = await (await fetch(`${headgate.adminUrl}/metrics`)).text();
  assert.match(metrics, /headgate_pressure_step\{step="connections"\} 1/);
  await rm(late);
  await until('all is taken up again', async () => (await stepsOff()) === 0);
  assert.equal((await ask('plain')).status, 200);
  const changes = headgate
    .output()
    .split('\n')
    .filter(line => /given up|taken up again/.test(line))
    .map(line => (JSON.parse(line) as { step: string }).step);
  const steps = ['hedging', 'cache-writes', 'low-priority', 'connections'];
  assert.deepEqual(changes.slice(0, 4), steps);
  assert.deepEqual(changes.slice(-4), steps.toReversed());
});
