import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { gather, slow, writeRepository } from '../support/onnx.ts';

/** Rows of the table; an index beyond makes ONNX Runtime throw, for the whole batch. */
const SIZE = 1000;
const CONFIG = 'coalesce: false\nmaxBatchSize: 16\ninstances: [{ count: 1 }]\ntimeoutMs: 20000\n';

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-poison-'));
  await writeRepository(folder, {
    gather: { versions: { 1: gather(SIZE) }, config: CONFIG },
    slow: { versions: { 1: slow(50_000) }, config: CONFIG },
  });
  headgate = await startHeadgate({ repository: folder });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function ask(index: number): Promise<{ status: number; text: string }> {
  const inputs = [{ name: 'index', shape: [1, 1], datatype: 'INT64', data: [index] }];
  const body = JSON.stringify({ inputs });
  const response = await fetch(inferUrl(headgate.url, 'gather'), { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}

interface Counts {
  readonly inference_count: number;
  readonly execution_count: number;
}

async function stats(model = 'gather'): Promise<Counts> {
  const response = await fetch(`${headgate.url}/v2/models/${model}/stats`);
  const { model_stats } = (await response.json()) as { model_stats: [Counts] };
  return model_stats[0];
}

test('beside inputs that make the model fail every other request is answered, right', async () => {
  const poison = (i: number) => i % 10 === 7;
  const asked = Array.from({ length: 500 }, (_, i) => (poison(i) ? SIZE + i : i));
  const answers = await Promise.all(asked.map(ask));
  answers.forEach(({ status, text }, i) => {
    if (poison(i)) {
      assert.equal(status, 500, text);
      assert.match(text, /indices element out of data bounds/);
      assert.doesNotMatch(text, /\/|worker/);
    } else {
      assert.equal(status, 200, text);
      assert.deepEqual(JSON.parse(text).outputs[0].data, [i * 10]);
    }
  });
});

test('only what was answered counts as inferred, and runs to find a culprit count as runs', async () => {
  const before = await stats();
  const answers = await Promise.all([1, 2, SIZE, 3, 4, 5, 6, 7].map(ask));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 500]);
  const now = await stats();
  assert.equal(now.inference_count - before.inference_count, 7);
  assert.ok(now.execution_count - before.execution_count >= 2);
});

test('requests that a killed worker had are answered all the same', { timeout: 60_000 }, async () => {
  const url = inferUrl(headgate.url, 'slow');
  const rows = Array.from({ length: 12 }, (_, i) => new Array<number>(64).fill(i));
  const asked = rows.map(async row => {
    const inputs = [{ name: 'x', shape: [1, 64], datatype: 'FP32', data: row }];
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
    const answer = (await response.json()) as { outputs?: [{ data: number[] }] };
    return { status: response.status, data: answer.outputs?.[0].data };
  });
  const killed = await killWorkerThatRuns('slow');
  const answers = await Promise.all(asked);
  answers.forEach(({ status, data }, i) => {
    assert.equal(status, 200);
    assert.deepEqual(data, rows[i]);
  });
  // The log comes through a pipe of its own.
  while (!/"worker":"cpu".*"detail":"SIGKILL".*worker exited/.test(headgate.output())) await sleep(10);
  assert.notEqual((await cpuWorker()).pid, killed);
  // Those it had, one alone and a batch, ran again: that batch in two halves.
  assert.ok((await stats('slow')).execution_count >= 3);
});

interface Worker {
  readonly name: string;
  readonly pid: number;
}

/** Kills it when a batch of the model is with it. */
async function killWorkerThatRuns(model: string): Promise<number> {
  for (;;) {
    const models = await admin<{ name: string; runningBatches: number }[]>('/v1/models');
    if (models.some(({ name, runningBatches }) => name === model && runningBatches > 0)) break;
  }
  const { pid } = await cpuWorker();
  process.kill(pid, 'SIGKILL');
  return pid;
}

async function cpuWorker(): Promise<Worker> {
  const workers = await admin<Worker[]>('/v1/workers');
  const worker = workers.find(({ name }) => name === 'cpu');
  if (worker?.pid === undefined) throw new Error('the gateway has no worker');
  return worker;
}

async function admin<T>(url: string): Promise<T> {
  return (await (await fetch(`${headgate.adminUrl}${url}`)).json()) as T;
}

test('inputs that only ever fail, however many and different, leave no worker out', async () => {
  for (let i = 0; i < 3; i++) {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, j) => ask(SIZE + 100 * i + j)));
    assert.ok(answers.every(({ status }) => status === 500));
  }
  const breakers = (await (await fetch(`${headgate.adminUrl}/v1/breakers`)).json()) as { state: string }[];
  assert.deepEqual(new Set(breakers.map(({ state }) => state)), new Set(['closed']));
  assert.doesNotMatch(headgate.output(), /breaker/);
  assert.equal((await ask(1)).status, 200);
});
