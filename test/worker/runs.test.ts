import assert from 'node:assert/strict';
import test from 'node:test';
import { gather, identity, mlp, spin, twoInputs } from '../support/onnx.ts';
import { input, type RunningWorker, startWorker } from './running-worker.ts';

/** A run of many seconds, ended by killing the worker after the test. */
const endless = (worker: RunningWorker, parameters?: Record<string, number>, model = 'm') => {
  const run = worker.infer([input('iterations', 'INT64', [1, 1], new BigInt64Array([10n ** 12n]))], {
    model,
    ...(parameters && { parameters }),
  });
  run.catch(() => undefined);
  return run;
};
const turns = (count: bigint) => input('iterations', 'INT64', [1, 1], new BigInt64Array([count]));

test('health, metadata and status answer while every instance runs', async t => {
  const worker = await startWorker(t);
  await worker.load(spin(), { instances: 2 });
  endless(worker);
  endless(worker);
  await worker.whenRunning(2);
  for (const url of ['/v2/health/live', '/v2/health/ready', '/v2/models/m/versions/1.g1', '/v2/worker']) {
    assert.equal((await worker.json('GET', url)).status, 200, url);
  }
  assert.deepEqual(await worker.models(), [
    { name: 'm', version: '1.g1', instances: 2, running: 2, requests: 2 },
  ]);
});

test('a free instance answers while the other is busy; a received batch waits for no particular one', async t => {
  const worker = await startWorker(t);
  await worker.load(spin(), { instances: 2 });
  endless(worker, { headgate_instance: 0 });
  await worker.whenRunning(1);
  const [output] = await worker.infer([turns(3n)]);
  assert.equal(new BigInt64Array(Uint8Array.from(output?.data ?? []).buffer)[0], 3n);
});

test('a pinned run waits for its instance, and those behind it do not', async t => {
  const worker = await startWorker(t);
  await worker.load(spin(), { instances: 2 });
  endless(worker, { headgate_instance: 1 });
  await worker.whenRunning(1);
  let answered = false;
  const pinned = worker.infer([turns(1n)], { parameters: { headgate_instance: 1 } });
  pinned.then(
    () => (answered = true),
    () => undefined,
  );
  await worker.infer([turns(1n)], { parameters: { headgate_instance: 0 } });
  await worker.infer([turns(1n)]);
  assert.equal(answered, false);
  const none = await worker.inferRaw([turns(1n)], { parameters: { headgate_instance: 2 } });
  assert.match(none.body.toString(), /headgate_instance: expected an integer from 0 to 1/);
});

test('more requests than slots are answered in turn, each with its own values', async t => {
  const worker = await startWorker(t);
  await worker.load(identity({ shape: [-1, 1] }), { instances: 2 });
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const rows = 1 + ((i * 7919) % 30_000);
      const [output] = await worker.infer([input('x', 'FP32', [rows, 1], new Float32Array(rows).fill(i))]);
      return new Float32Array(Uint8Array.from(output?.data ?? []).buffer).every(value => value === i);
    }),
  );
  assert.ok(answers.every(Boolean));
});

test('requests beyond the waiting line are refused, those in it are kept', async t => {
  const worker = await startWorker(t);
  await worker.load(spin());
  for (let i = 0; i < 66; i++) endless(worker);
  while ((await worker.models())[0]?.requests !== 66);
  const refused = await worker.inferRaw([turns(1n)]);
  assert.equal(refused.status, 429);
  assert.equal((await worker.models())[0]?.requests, 66);
});

test('clients that go away while they wait give their places back and never run', async t => {
  const worker = await startWorker(t);
  await worker.load(spin());
  endless(worker);
  await worker.whenRunning(1);
  const leave = new AbortController();
  const gone = Array.from({ length: 5 }, () => worker.abandon([turns(1n)], leave.signal));
  while ((await worker.models())[0]?.requests !== 6);
  leave.abort();
  await Promise.all(gone);
  while ((await worker.models())[0]?.requests !== 1);
});

test('a client that goes away during its run gives its place back when the run ends', async t => {
  const worker = await startWorker(t);
  await worker.load(spin());
  const leave = new AbortController();
  const gone = worker.abandon([turns(100_000n)], leave.signal);
  await worker.whenRunning(1);
  leave.abort();
  await gone;
  while ((await worker.models())[0]?.requests !== 0);
  assert.equal((await worker.infer([turns(1n)])).length, 1);
});

test('a model that fails on its input answers 500 with its reason and no path, and goes on', async t => {
  const worker = await startWorker(t);
  await worker.load(gather(8));
  const at = (index: bigint) => input('index', 'INT64', [1, 1], new BigInt64Array([index]));
  const failed = await worker.inferRaw([at(99n)]);
  assert.equal(failed.status, 500);
  const { error } = JSON.parse(failed.body.toString()) as { error: string };
  assert.match(error, /^model failed: .*(indices|out of)/);
  assert.doesNotMatch(error, /\/\w+\//);
  const [output] = await worker.infer([at(3n)]);
  assert.equal(new Float32Array(Uint8Array.from(output?.data ?? []).buffer)[0], 30);
});

test('time inside the run is reported, and nothing else of it', async t => {
  const worker = await startWorker(t);
  await worker.load(mlp([4, 4]));
  const { headers } = await worker.inferRaw([input('x', 'FP32', [1, 4], new Float32Array(4))]);
  assert.match(String(headers['server-timing']), /^infer;dur=\d+\.\d{3}$/);
});

test('requests that do not fit the model are refused by field', async t => {
  const worker = await startWorker(t);
  await worker.load(twoInputs(2));
  const tensor = (name: string, datatype: 'FP32' | 'INT32' = 'FP32', shape = [1, 2]) =>
    input(name, datatype, shape, new Float32Array(2));
  const b = tensor('b');
  const cases = [
    [[tensor('c'), b], /input 'c': the model has no such input/],
    [[b], /input 'a': missing/],
    [[b, b], /input 'b': given twice/],
    [[tensor('a', 'INT32'), b], /input 'a': expected datatype FP32/],
    [[tensor('a', 'FP32', [2]), b], /input 'a': shape: expected \[-1,2\], got \[2\]/],
    [[tensor('a', 'FP32', [1, 3]), b], /input 'a': shape/],
    [[tensor('a', 'FP32', [2, 2]), b], /input 'a': expected 16 bytes, got 8/],
  ] as const;
  for (const [inputs, message] of cases) {
    const { status, body } = await worker.inferRaw(inputs);
    assert.deepEqual([status, message.test(body.toString())], [400, true], body.toString());
  }
  const unknownOutput = await worker.inferRaw([tensor('a'), b], { outputs: ['nope'] });
  assert.match(unknownOutput.body.toString(), /output 'nope': the model has no such output/);
});

test('what is not there is a 404, and a body of unknown length is refused', async t => {
  const worker = await startWorker(t);
  for (const url of ['/', '/v2/models/m', '/v2/models/m/versions/1.g1', '/v2/models/%E0%A4%A/versions/1']) {
    assert.equal((await worker.json('GET', url)).status, 404, url);
  }
  assert.equal((await worker.inferRaw([])).status, 404);
  await worker.load(mlp([2, 2]));
  const chunked = await worker.request('POST', '/v2/models/m/versions/1.g1/infer', undefined, {
    'transfer-encoding': 'chunked',
  });
  assert.equal(chunked.status, 400);
  for (const length of ['-1', '1e1', '9999', 'x']) {
    const { status } = await worker.request('POST', '/v2/models/m/versions/1.g1/infer', '{}', {
      'inference-header-content-length': length,
    });
    assert.equal(status, 400, length);
  }
});
