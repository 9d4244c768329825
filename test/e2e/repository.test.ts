import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { inferBinary, inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { gather, identity, mlp, twoOutputs, writeRepository, writeVersion } from '../support/onnx.ts';

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-repository-'));
  await writeRepository(folder, {
    mlp: { versions: { 1: mlp([4, 8, 2], 1) }, config: 'versions: all\n' },
    triton: { versions: { 3: identity() } },
    broken: { versions: { 1: new TextEncoder().encode('this is no model') } },
    gather: { versions: { 1: gather(8) } },
    two: { versions: { 1: twoOutputs() } },
  });
  await writeFile(
    path.join(folder, 'triton', 'config.pbtxt'),
    `name: "triton"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 4 ] } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }
optimization { cuda { graphs: true } }
instance_group [ { count: 1 kind: KIND_CPU } ]
`,
  );
  headgate = await startHeadgate({ repository: folder, config: { repositoryControl: 'explicit' } });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly reason: string;
}

async function index(): Promise<IndexEntry[]> {
  const response = await fetch(`${headgate.url}/v2/repository/index`, { method: 'POST' });
  return (await response.json()) as IndexEntry[];
}

const ROW = { name: 'x', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };
const ask = (model: string, version?: string) =>
  inferBinary(inferUrl(headgate.url, model, version), [ROW], { 'headgate-timeout-ms': '30000' });

/** Asks again and again until the answer is as wanted: the watcher looks when it looks. */
async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return seen;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
}

const post = (at: string, body?: unknown) =>
  fetch(`${headgate.url}${at}`, { method: 'POST', body: body === undefined ? null : JSON.stringify(body) });

test('a broken model is UNAVAILABLE with its reason, and the others serve', async () => {
  const broken = (await index()).find(({ name }) => name === 'broken');
  assert.equal(broken?.state, 'UNAVAILABLE');
  assert.match(broken?.reason ?? '', /ONNX/);
  assert.doesNotMatch(broken?.reason ?? '', /\/tmp|\/home/);
  assert.equal((await ask('mlp')).status, 200);
  assert.equal((await ask('broken')).status, 404);
});

test("a Triton repository's model is served as it is, and what is not supported is named", async () => {
  const answer = await ask('triton');
  assert.deepEqual(answer.binary.get('y'), ROW.data);
  assert.equal(answer.json.model_version, '3');
  const config = (await (await fetch(`${headgate.url}/v2/models/triton/config`)).json()) as {
    max_batch_size: number;
    dynamic_batching: { preferred_batch_size: number[]; max_queue_delay_microseconds: number };
  };
  assert.equal(config.max_batch_size, 8);
  assert.deepEqual(config.dynamic_batching.preferred_batch_size, [4, 8]);
  assert.equal(config.dynamic_batching.max_queue_delay_microseconds, 100);
  assert.match(headgate.output(), /optimization/);
});

test('a new version on disk is loaded and answers; a removed one is 404', async () => {
  await writeVersion(folder, 'mlp', 2, mlp([4, 8, 2], 2));
  await until(
    () => ask('mlp', '2'),
    answer => answer.status === 200,
  );
  assert.equal((await ask('mlp')).json.model_version, '2');
  await rm(path.join(folder, 'mlp', '2'), { recursive: true });
  await until(
    () => ask('mlp', '2'),
    answer => answer.status === 404,
  );
  assert.equal((await ask('mlp')).json.model_version, '1');
});

test('content replaced in place under one number is served once it is whole; a half-copied file never is', async () => {
  const before = (await ask('mlp', '1')).binary.get('y');
  const bytes = mlp([4, 8, 2], 7);
  const file = path.join(folder, 'mlp', '1', 'model.onnx');
  await writeFile(file, bytes.subarray(0, bytes.length >> 1));
  const half = await until(
    async () => (await index()).find(({ name, version }) => name === 'mlp' && version === '1'),
    entry => entry?.reason !== '',
  );
  assert.equal(half?.state, 'READY', 'the old content stays');
  assert.deepEqual((await ask('mlp', '1')).binary.get('y'), before);
  await writeFile(`${file}.new`, bytes);
  await rename(`${file}.new`, file);
  const after = await until(
    async () => (await ask('mlp', '1')).binary.get('y'),
    y => y?.[0] !== before?.[0],
  );
  assert.equal(after?.length, 2);
});

test('a bad configuration leaves the old one serving and is named with its line', async () => {
  const file = path.join(folder, 'mlp', 'config.yaml');
  await writeFile(file, 'versions: all\nmaxBatchSiez: 4\n');
  await until(
    async () => headgate.output(),
    output => /config\.yaml:2.*maxBatchSiez/.test(output),
  );
  assert.equal((await ask('mlp')).status, 200);
  await writeFile(file, 'versions: all\nlabels: { steady: 1 }\n');
  await until(
    () => ask('mlp', 'steady'),
    answer => answer.status === 200,
  );
});

test('clients may unload and load where repositoryControl is explicit', async () => {
  assert.equal((await post('/v2/repository/models/two/unload')).status, 200);
  assert.equal((await ask('two')).status, 404);
  assert.equal((await post('/v2/repository/models/two/load')).status, 200);
  assert.equal((await ask('two')).status, 200);
  const refused = await post('/v2/repository/models/nope/load');
  assert.equal(refused.status, 404);
});

test('a new model folder appears in the index and answers', async () => {
  await mkdir(path.join(folder, 'late'), { recursive: true });
  await writeVersion(folder, 'late', 1, identity());
  const answer = await until(
    () => ask('late'),
    ({ status }) => status === 200,
  );
  assert.deepEqual(answer.binary.get('y'), ROW.data);
});

test('an input the model fails on is a 500 in its own words, without paths', async () => {
  const body = JSON.stringify({ inputs: [{ name: 'index', shape: [1, 1], datatype: 'INT64', data: [99] }] });
  const response = await fetch(inferUrl(headgate.url, 'gather'), { method: 'POST', body });
  const { error } = (await response.json()) as { error: string };
  assert.equal(response.status, 500);
  assert.match(error, /out of data bounds|idx=99/);
  assert.doesNotMatch(error, /\/[a-z_]+\/[a-z_]+/);
});

test('only the outputs asked for come back, in the order asked', async () => {
  const body = JSON.stringify({
    inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }],
    outputs: [{ name: 'double' }],
  });
  const metadata = (await (await fetch(`${headgate.url}/v2/models/two`)).json()) as {
    outputs: { name: string }[];
  };
  const last = metadata.outputs.at(-1)?.name as string;
  const response = await fetch(inferUrl(headgate.url, 'two'), {
    method: 'POST',
    body: body.replace('double', last),
  });
  const answer = (await response.json()) as { outputs: { name: string; data: number[] }[] };
  assert.deepEqual(
    answer.outputs.map(({ name }) => name),
    [last],
  );
  assert.deepEqual(answer.outputs[0]?.data, [2, 4, 6, 8]);
});
