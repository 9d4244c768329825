import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { expand, gather, writeRepository } from '../support/onnx.ts';

const CAP = 400 * 2 ** 20;
const CONFIG = 'coalesce: false\ninstances: [{ count: 1 }]\ntimeoutMs: 30000\n';

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-memory-'));
  await writeRepository(folder, {
    expand: { versions: { 1: expand() }, config: `${CONFIG}maxBatchSize: 0\n` },
    gather: { versions: { 1: gather(100) }, config: CONFIG },
  });
  headgate = await startHeadgate({ repository: folder, config: { workers: { maxMemoryBytes: CAP } } });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function ask(model: string, name: string, shape: number[], value: number) {
  const body = JSON.stringify({
    inputs: [{ name, shape, datatype: 'INT64', data: [value] }],
    parameters: { binary_data_output: true },
  });
  const response = await fetch(inferUrl(headgate.url, model), { method: 'POST', body });
  const bytes = await response.arrayBuffer();
  return { status: response.status, text: response.status === 200 ? '' : Buffer.from(bytes).toString() };
}

test('a request that asks for gigabytes ends with its worker, and is refused afterwards; nobody else is', {
  timeout: 120_000,
}, async () => {
  assert.equal((await ask('expand', 'length', [1], 10)).status, 200);
  let bombs = 0;
  const bomb = ask('expand', 'length', [1], 3_000_000_000 / 4).finally(() => bombs++);
  let answered = 0;
  while (bombs === 0) {
    const { status, text } = await ask('gather', 'index', [1, 1], answered % 100);
    assert.equal(status, 200, text);
    answered++;
  }
  const { status, text } = await bomb;
  assert.equal(status, 500, text);
  assert.match(text, /took its worker process down twice/);
  assert.match(headgate.output(), /the process holds \d+ MiB of 400 allowed/);
  const again = await ask('expand', 'length', [1], 3_000_000_000 / 4);
  assert.match(again.text, /it is refused for \d+ s/);
  assert.equal((await ask('expand', 'length', [1], 11)).status, 200);
  assert.ok(answered > 0);
});

test('when memory runs out the kernel takes a worker before the gateway', async () => {
  const score = (pid: number) => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1'));
  const workers = (await (await fetch(`${headgate.adminUrl}/v1/workers`)).json()) as { pid: number }[];
  assert.ok(workers.length > 0);
  const before = Math.min(1000, score(headgate.pid) + 500);
  for (const { pid } of workers) assert.equal(score(pid), before);
});
