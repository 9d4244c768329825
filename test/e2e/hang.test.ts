import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { gather, spin, writeRepository } from '../support/onnx.ts';

const CONFIG = 'coalesce: false\ninstances: [{ count: 1 }]\ntimeoutMs: 30000\nmaxBatchSize: 8\n';
/** Loop turns that no machine makes in a day. */
const FOREVER = 1e12;

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-hang-'));
  await writeRepository(folder, {
    spin: { versions: { 1: spin() }, config: CONFIG },
    gather: { versions: { 1: gather(100) }, config: CONFIG },
  });
  headgate = await startHeadgate({ repository: folder });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function ask(model: string, name: string, value: number) {
  const body = JSON.stringify({ inputs: [{ name, shape: [1, 1], datatype: 'INT64', data: [value] }] });
  const response = await fetch(inferUrl(headgate.url, model), { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}

const spins = (turns: number) => ask('spin', 'iterations', turns);

test('a run that never ends costs its own caller an answer, and nobody else', {
  timeout: 120_000,
}, async () => {
  // What its runs take must be known: before, one may take as long as any.
  for (let i = 1; i <= 10; i++) assert.equal((await spins(i)).status, 200);
  const hung = spins(FOREVER);
  const others = Array.from({ length: 20 }, (_, i) => (i % 2 ? spins(i) : ask('gather', 'index', i)));
  const answers = await Promise.all(others);
  answers.forEach(({ status, text }, i) => {
    assert.equal(status, 200, text);
    assert.deepEqual(JSON.parse(text).outputs[0].data, [i % 2 ? i : i * 10]);
  });
  const { status, text } = await hung;
  assert.equal(status, 500, text);
  assert.match(text, /took its worker process down twice/);
  assert.match(headgate.output(), /a run of spin version 1 hangs: its worker is killed/);
  assert.equal((await spins(FOREVER)).status, 500, 'it is refused at once');
});
