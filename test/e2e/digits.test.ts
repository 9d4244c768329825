import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test, { after, before } from 'node:test';
import { digitsOf, imagesOf, PIXELS, readHeldOut } from '../../models/digits/heldout.ts';
import {
  type Answer,
  assertOk,
  type FloatTensor,
  inferBinary,
  inferJson,
  inferUrl,
} from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';

let headgate: Headgate;
before(async () => {
  headgate = await startHeadgate({ repository: 'models' });
});
after(() => headgate?.[Symbol.asyncDispose]());

const ROWS = 50;

function probabilities(answer: Answer): ArrayLike<number> {
  assertOk(answer);
  return answer.binary.get('probabilities') ?? (answer.json.outputs?.[0]?.data as number[]);
}

/** How many held-out digits a way of asking gets right, asked fifty rows at a time. */
async function countRight(ask: (image: FloatTensor) => Promise<Answer>): Promise<number> {
  const digits = readHeldOut();
  let right = 0;
  for (let from = 0; from < digits.count; from += ROWS) {
    const to = Math.min(digits.count, from + ROWS);
    const image = { name: 'image', shape: [to - from, PIXELS], data: imagesOf(digits, from, to) };
    const found = digitsOf(probabilities(await ask(image)));
    right += found.filter((digit, row) => digit === digits.labels[from + row]).length;
  }
  return right;
}

for (const version of ['1', '2']) {
  for (const [form, infer] of Object.entries({ JSON: inferJson, binary: inferBinary })) {
    test(`digits ${version} is as accurate through the gateway as its card says, over ${form}`, async () => {
      const card = JSON.parse(await readFile('models/digits/accuracy.json', 'utf8')) as {
        versions: Record<string, { correct: number }>;
      };
      const url = inferUrl(headgate.url, 'digits', version);
      assert.equal(await countRight(image => infer(url, [image])), card.versions[version]?.correct);
    });
  }
}

test("the README's first prediction names the right digit", async () => {
  const body = await readFile('models/digits/example.json');
  const response = await fetch(inferUrl(headgate.url, 'digits'), { method: 'POST', body });
  const answer = (await response.json()) as { outputs: { data: string[] }[] };
  assert.match(answer.outputs[0]?.data[0] ?? '', /:7:7$/);
  assert.equal(response.headers.get('headgate-version'), '2');
  assert.equal(response.headers.get('headgate-route'), 'stable');
});

test('a label answers with the version it stands for', async () => {
  const body = await readFile('models/digits/example.json');
  const response = await fetch(inferUrl(headgate.url, 'digits', 'baseline'), { method: 'POST', body });
  await response.arrayBuffer();
  assert.equal(response.headers.get('headgate-version'), '1');
  assert.equal(response.headers.get('headgate-route'), 'label');
});
