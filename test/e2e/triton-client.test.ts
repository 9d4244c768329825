import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import type { Datatype } from '../../src/tensor.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { identity, writeRepository } from '../support/onnx.ts';

/** Made by .ci/run: a virtual environment with test/e2e/clients/requirements.txt. */
const PYTHON = '.venv/bin/python';
const skip = existsSync(PYTHON) ? false : `no ${PYTHON} with test/e2e/clients/requirements.txt installed`;
const OTHERS: Datatype[] = ['BOOL', 'UINT8', 'INT64', 'UINT64', 'FP16', 'FP64', 'BYTES'];

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-triton-'));
  const models = Object.fromEntries(
    OTHERS.map(datatype => [
      `identity_${datatype.toLowerCase()}`,
      { versions: { 1: identity({ datatype }) } },
    ]),
  );
  await writeRepository(folder, { ...models, identity: { versions: { 1: identity() } } });
  headgate = await startHeadgate({ repository: folder });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('an unmodified tritonclient gets through every call', { skip }, async () => {
  const { stdout } = await promisify(execFile)(PYTHON, [
    'test/e2e/clients/triton_client.py',
    new URL(headgate.url).host,
  ]);
  const seen = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(seen['live'], true);
  assert.equal(seen['ready'], true);
  assert.equal(seen['modelReady'], true);
  assert.equal(seen['versionReady'], true);
  assert.equal(seen['missingReady'], false);
  assert.equal(seen['server'], 'headgate');
  assert.deepEqual(seen['metadata'], {
    name: 'identity',
    versions: ['1'],
    platform: 'onnxruntime_onnx',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 4] }],
  });
  assert.ok((seen['maxBatchSize'] as number) > 1, 'the batch axis was found');
  assert.equal(seen['statistics'], 'identity');
  assert.deepEqual(seen['index'], ['identity', ...OTHERS.map(d => `identity_${d.toLowerCase()}`)].sort());
  assert.deepEqual(seen['shapes'], [
    [3, 4],
    [3, 4],
    [3, 4],
    [3, 4],
  ]);
  assert.deepEqual(seen['datatypes'], [...OTHERS].sort());
  assert.deepEqual(seen['classes'], [
    ['4:1', '3:3'],
    ['9:0', '5:3'],
  ]);
  assert.equal(seen['async'], 32);
  assert.equal(seen['compressed'], true);
  const [shapeStatus, shapeMessage] = seen['wrongShape'] as [string, string];
  assert.equal(shapeStatus, '400');
  assert.match(shapeMessage, /shape\[1\].*4/);
  assert.equal((seen['unknownModel'] as [string])[0], '404');
  assert.equal((seen['load'] as [string])[0], '403');
});
