import assert from 'node:assert/strict';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { identity, mlp, spin } from '../support/onnx.ts';
import { input, orderFor, type RunningWorker, sha256, startWorker } from './running-worker.ts';

const row = input('x', 'FP32', [1, 4], new Float32Array([1, 2, 3, 4]));
const errorOf = ({ body }: { body: Buffer }): string =>
  (JSON.parse(body.toString()) as { error: string }).error;

test('metadata tells names, datatypes and shapes, -1 where any size goes', async t => {
  const worker = await startWorker(t);
  await worker.load(mlp([4, 2]), {}, 'a%b');
  assert.deepEqual((await worker.json('GET', '/v2/models/a%25b/versions/1.g1')).body, {
    name: 'a%b',
    versions: ['1.g1'],
    platform: 'onnxruntime_onnx',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
  });
});

test('a file that is not what the order says is not loaded', async t => {
  const worker = await startWorker(t);
  const refused = await worker.load(identity(), { sha256: sha256(new Uint8Array([1])) });
  assert.deepEqual([refused.status, errorOf(refused)], [400, 'model file: content changed while loading']);
  assert.deepEqual(await worker.models(), []);
});

test('bad models are refused with a reason and no path, and the others keep serving', async t => {
  const worker = await startWorker(t);
  await worker.load(identity(), {}, 'good');
  const whole = mlp([64, 64]);
  const bad: readonly Uint8Array[] = [
    whole.subarray(0, whole.length / 2),
    new Uint8Array(0),
    new Uint8Array(64).fill(7),
  ];
  for (const model of bad) {
    const refused = await worker.load(model, { instances: 2 });
    assert.equal(refused.status, 400);
    assert.match(errorOf(refused), /^model cannot be loaded: [^/]+$/);
  }
  const missing = await worker.order(orderFor(path.join(worker.folder, 'none.onnx'), whole));
  assert.equal(errorOf(missing), 'model file cannot be read (ENOENT)');
  assert.equal((await worker.infer([row], { model: 'good' })).length, 1);
});

test('a provider that is not there fails the load, and nothing runs on the CPU instead', async t => {
  const worker = await startWorker(t);
  for (const kind of ['cuda', 'tensorrt'] as const) {
    const refused = await worker.load(identity(), { kind });
    assert.equal(refused.status, 400, kind);
    assert.match(errorOf(refused), /cannot be loaded/);
  }
  assert.equal((await worker.inferRaw([row])).status, 404);
});

test('a version is loaded once, unloaded once, and can come back', async t => {
  const worker = await startWorker(t);
  await worker.load(identity());
  assert.match(errorOf(await worker.load(identity())), /already loaded/);
  assert.equal((await worker.unload()).status, 200);
  assert.equal((await worker.unload()).status, 404);
  assert.equal((await worker.load(identity())).status, 200);
  assert.equal((await worker.infer([row])).length, 1);
});

test('loading and unloading many times leaves the worker answering', async t => {
  const worker = await startWorker(t);
  await worker.load(identity(), {}, 'steady');
  for (let i = 0; i < 30; i++) {
    const version = `1.g${i}`;
    assert.equal((await worker.load(mlp([4, 8, 4], i), { version, instances: 1 + (i % 3) })).status, 200);
    const answers = await Promise.all([
      worker.infer([row], { version }),
      worker.infer([row], { version }),
      worker.infer([row], { model: 'steady' }),
    ]);
    assert.equal(answers.flat().length, 3);
    assert.equal((await worker.unload(version)).status, 200);
  }
  assert.deepEqual(
    (await worker.models()).map(({ name }) => name),
    ['steady'],
  );
});

test('unloading waits for what runs, and takes nothing new', async t => {
  const worker = await startWorker(t);
  await worker.load(spin());
  const turns = input('iterations', 'INT64', [1, 1], new BigInt64Array([200_000n]));
  const running = worker.infer([turns]);
  await worker.whenRunning(1);
  const unloading = worker.unload();
  while ((await worker.models()).length > 0);
  assert.equal((await worker.inferRaw([turns])).status, 404);
  assert.equal((await running).length, 1);
  assert.equal((await unloading).status, 200);
});

test('a load of one model keeps no other waiting', async t => {
  const worker = await startWorker(t);
  await worker.load(identity(), {}, 'quick');
  let loaded = false;
  const loading = worker.load(mlp([2048, 2048, 2048]), { instances: 2 }).then(() => (loaded = true));
  assert.equal((await worker.infer([row], { model: 'quick' })).length, 1);
  assert.equal(loaded, false);
  await loading;
});

test('external data must be a file of its own inside the model folder, with the hash of the order', async t => {
  const worker = await startWorker(t);
  const data = new Uint8Array([1, 2, 3]);
  const outside = path.join(worker.folder, 'outside.bin');
  const folder = path.join(worker.folder, 'model');
  mkdirSync(folder);
  writeFileSync(outside, data);
  const at = (name: string) => path.join(folder, name);
  symlinkSync(outside, at('symlink.bin'));
  linkSync(outside, at('hardlink.bin'));
  writeFileSync(at('own.bin'), data);
  writeFileSync(at('changed.bin'), 'other');
  mkdirSync(at('folder.bin'));
  const cases = [
    [outside, /'weights' lies outside the model's folder/],
    [at('symlink.bin'), /'weights' lies outside the model's folder/],
    [at('hardlink.bin'), /'weights' has more than one hard link/],
    [at('changed.bin'), /'weights': content changed/],
    [at('folder.bin'), /'weights' is not a regular file/],
    [at('none.bin'), /'weights' cannot be read \(ENOENT\)/],
  ] as const;
  const model = identity();
  writeFileSync(at('model.onnx'), model);
  const load = (file: string) =>
    worker.order(
      orderFor(at('model.onnx'), model, { externalData: [{ path: 'weights', file, sha256: sha256(data) }] }),
    );
  for (const [file, reason] of cases) assert.match(errorOf(await load(file)), reason);
  assert.equal((await load(at('own.bin'))).status, 200);
});

test('a bad order names its field', async t => {
  const worker = await startWorker(t);
  const good = orderFor('/tmp/none.onnx', new Uint8Array());
  const send = async (order: unknown) =>
    errorOf(await post(worker, JSON.stringify({ parameters: { config: JSON.stringify(order) } })));
  const cases = [
    [{ ...good, version: '' }, 'version: expected a non-empty string'],
    [{ ...good, file: 'relative.onnx' }, 'file: expected an absolute path'],
    [{ ...good, sha256: 'AB' }, 'sha256: expected 64'],
    [{ ...good, kind: 'tpu' }, 'kind: expected one of cpu'],
    [{ ...good, device: -1 }, 'device: expected an integer'],
    [{ ...good, instances: 0 }, 'instances: expected an integer from 1'],
    [{ ...good, intraOpThreads: 1.5 }, 'intraOpThreads: expected an integer'],
    [{ ...good, externalData: {} }, 'externalData: expected an array'],
    [
      { ...good, externalData: [{ path: 'a/../../b', file: '/b', sha256: good.sha256 }] },
      'externalData[0].path: expected a relative path',
    ],
    [{ ...good, extra: 1 }, 'extra: no such field'],
    ['text', 'order: expected an object'],
  ] as const;
  for (const [order, reason] of cases)
    assert.ok((await send(order)).startsWith(`load order: ${reason}`), reason);
  assert.match(errorOf(await post(worker, '{')), /body: expected JSON/);
  assert.match(errorOf(await post(worker, '{"parameters":{}}')), /parameters.config: expected/);
});

function post(worker: RunningWorker, body: string) {
  return worker.request('POST', '/v2/repository/models/m/load', body);
}
