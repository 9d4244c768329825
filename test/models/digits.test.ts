import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import accuracy from '../../models/digits/accuracy.json' with { type: 'json' };
import { digitsOf, imagesOf, PIXELS, readHeldOut } from '../../models/digits/heldout.ts';
import { OnnxSession } from '../support/onnx-session.ts';

const session = new OnnxSession();
after(() => session[Symbol.asyncDispose]());
const digits = readHeldOut();

const modelFile = (version: string) =>
  fileURLToPath(new URL(`../../models/digits/${version}/model.onnx`, import.meta.url));

async function classify(version: string, images: Float32Array): Promise<number[]> {
  const image = {
    datatype: 'FP32',
    shape: [images.length / PIXELS, PIXELS],
    values: Array.from(images),
  } as const;
  const { probabilities } = await session.run(modelFile(version), { image });
  return digitsOf((probabilities?.values ?? []) as number[]);
}

test('holds out at least a thousand digits, some of each', () => {
  assert.ok(digits.count >= 1000);
  assert.equal(digits.count, accuracy.heldOut);
  assert.deepEqual(new Set(digits.labels), new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
});

for (const [version, { correct }] of Object.entries(accuracy.versions)) {
  test(`version ${version} is right on as many held-out digits as accuracy.json says`, async () => {
    const found = await classify(version, imagesOf(digits, 0, digits.count));
    assert.equal(found.filter((digit, i) => digit === digits.labels[i]).length, correct);
  });
}

test('version 2 is visibly better than version 1', () => {
  assert.ok(accuracy.versions[2].accuracy > accuracy.versions[1].accuracy + 0.03);
});

test('the first request shows a 7, which version 2 recognises', async () => {
  const request = JSON.parse(
    readFileSync(new URL('../../models/digits/example.json', import.meta.url), 'utf8'),
  ) as { inputs: [{ name: string; shape: number[]; data: number[] }] };
  const [image] = request.inputs;
  assert.equal(image.name, 'image');
  assert.deepEqual(image.shape, [1, PIXELS]);
  assert.deepEqual(await classify('2', Float32Array.from(image.data)), [7]);
});
