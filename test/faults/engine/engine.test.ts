/** The test engine does what it is told, and nothing else: without that no figure of the fault suite means anything. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { assertOk, inferBinary, inferUrl } from '../../support/client.ts';
import { addConstant } from '../../support/onnx.ts';
import { type Subject, startSubjectWith } from '../subject.ts';
import { type EngineFault, type EngineOrder, give, obeyed, withdraw } from './orders.ts';

let subject: Subject;

before(async () => {
  const config = 'coalesce: false\ninstances: [{ count: 1 }]\ntimeoutMs: 30000\n';
  subject = await startSubjectWith(
    { add: { versions: { 1: addConstant(1) }, config } },
    { testEngine: true, config: { workers: { maxMemoryBytes: 400 * 2 ** 20 } } },
  );
});

after(() => subject?.[Symbol.asyncDispose]());

const ask = (value = 100) =>
  inferBinary(inferUrl(subject.headgate.url, 'add'), [
    { name: 'x', shape: [1, 4], data: new Float32Array(4).fill(value) },
  ]);

async function asked(order: EngineOrder) {
  give(subject.engine, order);
  const answer = await ask();
  withdraw(subject.engine);
  return answer;
}

const times = (kind: EngineFault): number => obeyed(subject.engine).filter(run => run.kind === kind).length;

test('without an order, with one for another worker, and for samples it is the real engine', async () => {
  const answer = await ask();
  assertOk(answer);
  assert.deepEqual([...(answer.binary.get('y') ?? [])], [101, 101, 101, 101]);
  assertOk(await asked({ kind: 'throw', pid: 1 }));
  give(subject.engine, { kind: 'throw' });
  assertOk(await ask(3));
  withdraw(subject.engine);
  assert.deepEqual(obeyed(subject.engine), []);
});

test('it throws, slows and loses its numbers, for as long as it is told to', async () => {
  const thrown = await asked({ kind: 'throw' });
  assert.deepEqual([thrown.status, times('throw') > 0], [500, true]);
  assert.match(thrown.json.error ?? '', /the test engine was told to fail/);
  const without = await asked({ kind: 'nan' });
  assert.deepEqual([...(without.binary.get('y') ?? [])], new Array(4).fill(Number.NaN));
  const slow = await asked({ kind: 'slow', times: 1000 });
  assertOk(slow);
  assert.equal(times('slow'), 1);
  assertOk(await ask());
});

test('one run crashes or hangs, its worker goes, and its request is answered elsewhere', async () => {
  for (const kind of ['crash', 'hang'] as const) {
    const answer = await asked({ kind });
    assertOk(answer);
    assert.equal(times(kind), 1);
  }
  assert.match(subject.headgate.output(), /"detail":"SIGSEGV"/);
  assert.match(subject.headgate.output(), /a run hangs/);
});

test('memory it keeps ends its worker', async () => {
  give(subject.engine, { kind: 'leak', bytes: 50 * 2 ** 20 });
  while (!/the process holds \d+ MiB of 400 allowed/.test(subject.headgate.output())) await ask();
  withdraw(subject.engine);
  assertOk(await ask());
});
