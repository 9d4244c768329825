/** The pool with the real worker and real models: what the fake one is held to. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import type { LoadedVersion, VersionSpec } from '../../src/pool/version-spec.ts';
import {
  fixedBatch,
  gather,
  identity,
  mlp,
  nonDeterministic,
  softmaxOverBatch,
  sumOverBatch,
  twoOutputs,
} from '../support/onnx.ts';
import { nextChange, type RunningPool, rowOf, runRow, slotOf, specOf, startPool } from './running-pool.ts';

const realPool = (t: TestContext): Promise<RunningPool> => startPool(t, { workerCommand: undefined });

function load(
  { pool, folder }: RunningPool,
  name: string,
  bytes: Uint8Array,
  over: Partial<VersionSpec> = {},
): Promise<LoadedVersion> {
  const file = path.join(folder, `${name}.onnx`);
  writeFileSync(file, bytes);
  return pool.load(specOf(file, over));
}

test('real models are examined for what they are', async t => {
  const running = await realPool(t);
  const kinds: [string, Uint8Array, number, string, boolean][] = [
    ['identity', identity({ shape: [-1, 2] }), 4, 'verified', true],
    ['free width', identity({ shape: [-1, 3, -1] }), 4, 'verified', true],
    ['strings', identity({ datatype: 'BYTES', shape: [-1, 2] }), 4, 'verified', true],
    ['FP16', identity({ datatype: 'FP16', shape: [-1, 2] }), 4, 'verified', true],
    ['an MLP', mlp([8, 16, 3]), 4, 'verified', true],
    ['two outputs', twoOutputs(2), 4, 'verified', true],
    ['softmax over the batch', softmaxOverBatch(2), 0, 'none', true],
    ['sum over the batch', sumOverBatch(2), 0, 'none', true],
    ['fixed batch', fixedBatch(2), 0, 'none', true],
    ['at random', nonDeterministic(2), 0, 'none', false],
  ];
  for (const [name, bytes, maxBatchSize, kind, deterministic] of kinds) {
    const { verification, ...loaded } = await load(running, name.replaceAll(' ', '-'), bytes);
    const found = [loaded.maxBatchSize, verification.kind, loaded.deterministic];
    assert.deepEqual(found, [maxBatchSize, kind, deterministic], `${name}: ${verification.detail}`);
  }
});

test('real answers are the rows that were sent, also in a batch', async t => {
  const running = await realPool(t);
  const { executor } = await load(running, 'identity', identity({ shape: [-1, 2] }));
  assert.deepEqual(await runRow(executor, 1.5, -2), [1.5, -2]);
  const { inputs } = rowOf(1, 2);
  const part = inputs[0]?.parts[0] as Uint8Array;
  const slot = await slotOf(executor);
  const stacked = { name: 'x', datatype: 'FP32', shape: [2, 2], parts: [part, part] } as const;
  const { outputs } = await slot.execute({ inputs: [stacked], outputs: undefined, rows: 2 });
  assert.deepEqual(outputs[0]?.shape, [2, 2]);
  assert.deepEqual(outputs[0]?.data, Buffer.concat([part, part]));
});

test('a model whose rows depend on each other is refused when it is to be batched', async t => {
  const running = await realPool(t);
  await assert.rejects(load(running, 'softmax', softmaxOverBatch(2), { maxBatchSize: 8 }), {
    code: 'invalid',
  });
});

test('an input the model fails on is model-failed, the slot and the worker go on', async t => {
  const running = await realPool(t);
  const { executor, signature } = await load(running, 'gather', gather(8), { maxBatchSize: 4 });
  const datatype = signature.inputs[0]?.datatype ?? 'INT64';
  const name = signature.inputs[0]?.name ?? '';
  const run = async (index: number): Promise<void> => {
    const part = new Uint8Array(BigInt64Array.of(BigInt(index)).buffer);
    const shape = (signature.inputs[0]?.shape ?? []).map(() => 1);
    const slot = await slotOf(executor);
    await slot.execute({ inputs: [{ name, datatype, shape, parts: [part] }], outputs: undefined, rows: 1 });
  };
  for (let i = 0; i < 4; i++) await assert.rejects(run(1000), { code: 'model-failed' });
  await run(3);
});

test('bytes that are no model, or not the promised ones, are refused in words without a path', async t => {
  const running = await realPool(t);
  await assert.rejects(load(running, 'garbage', Buffer.from('no model at all')), error => {
    assert.ok(error instanceof Error);
    assert.ok(!error.message.includes(running.folder), error.message);
    return true;
  });
  const content = { file: path.join(running.folder, 'other.onnx'), sha256: '0'.repeat(64), externalData: [] };
  await assert.rejects(load(running, 'other', identity(), { content }), { code: 'model-failed' });
});

test('a real worker need not stand behind at all', async t => {
  const { pool } = await startPool(t, { workerCommand: undefined, niceness: 0 });
  assert.equal(getPriority(pool.view()[0]?.pid ?? 0), 0);
});

test('a real worker killed with kill -9 comes back with its versions', async t => {
  const running = await realPool(t);
  const { executor } = await load(running, 'identity', identity({ shape: [-1, 2] }));
  const exited = nextChange(running.events, ({ state }) => state === 'exited');
  process.kill(running.pool.view()[0]?.pid ?? 0, 'SIGKILL');
  assert.equal((await exited).detail, 'SIGKILL');
  assert.deepEqual(await runRow(executor, 5, 6), [5, 6]);
});
