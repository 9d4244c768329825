import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { assertOk, type FloatTensor, inferBinary, inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { writeRepository } from '../support/onnx.ts';
import { elementwiseAndMax, MAX_POOL_PADDING, TOKEN_PADDING, tokenMlp } from '../support/onnx-lengths.ts';
import { uniform } from '../support/random.ts';

let folder: string;
let headgate: Headgate;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-padding-'));
  // What is compared is the answers: on a busy machine 32 callers may well wait for more than a second.
  const one = 'timeoutMs: 60000\ninstances: [{ kind: cpu, count: 1 }]\n';
  await writeRepository(folder, {
    alone: { versions: { 1: elementwiseAndMax() }, config: one },
    padded: { versions: { 1: elementwiseAndMax() }, config: one + MAX_POOL_PADDING },
    strided: {
      versions: { 1: elementwiseAndMax() },
      config: one + MAX_POOL_PADDING.replace('axis: 1, value', 'multipleOf: 16, axis: 1, value'),
    },
    'tokens-alone': { versions: { 1: tokenMlp([512, 512]) }, config: one },
    tokens: { versions: { 1: tokenMlp([512, 512]) }, config: one + TOKEN_PADDING },
    undeclared: {
      versions: { 1: elementwiseAndMax() },
      config: 'padding: { inputs: { x: { axis: 1 } } }\n',
    },
  });
  headgate = await startHeadgate({ repository: folder, waitForReady: false });
  for (const model of ['alone', 'padded', 'strided', 'tokens-alone', 'tokens']) await ready(model);
});

after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function ready(model: string): Promise<void> {
  while ((await fetch(`${headgate.url}/v2/models/${model}/ready`)).status !== 200) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

async function metric(name: string, model: string): Promise<number> {
  const text = await (await fetch(`${headgate.adminUrl}/metrics`)).text();
  const line = text
    .split('\n')
    .find(each => each.startsWith(`${name}{`) && each.includes(`model="${model}"`));
  return Number(line?.split(' ').at(-1));
}

const random = uniform(11);
const integer = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
const values = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() * 2 - 1);

/** Requests of random lengths and rows, no two with the same values. */
const MIX: readonly FloatTensor[] = Array.from({ length: 150 }, () => {
  const shape = [integer(1, 3), integer(1, 90), 4];
  return { name: 'x', shape, data: values((shape[0] as number) * (shape[1] as number) * 4) };
});

/** Asks for all, 32 at a time. */
async function askAll(model: string, requests: readonly (readonly FloatTensor[])[]) {
  const answers: Awaited<ReturnType<typeof inferBinary>>[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let i = next++; i < requests.length; i = next++) {
      const answer = await inferBinary(inferUrl(headgate.url, model), [...(requests[i] ?? [])]);
      assertOk(answer);
      answers[i] = answer;
    }
  };
  await Promise.all(Array.from({ length: 32 }, caller));
  return answers;
}

for (const model of ['padded', 'strided']) {
  test(`where padding is harmless every answer is, bit by bit, what it is without: ${model}`, async () => {
    const requests = MIX.map(tensor => [tensor]);
    const alone = await askAll('alone', requests);
    const together = await askAll(model, requests);
    for (const [i, answer] of together.entries()) {
      assert.deepEqual(answer.json.outputs, alone[i]?.json.outputs);
      assert.deepEqual(answer.binary, alone[i]?.binary);
      const { data } = MIX[i] as FloatTensor;
      assert.deepEqual(
        answer.binary.get('y'),
        data.map(value => Math.fround(Math.fround(value * 3) + 1)),
      );
    }
  });
}

test('lengths share runs where that pays, and the padding is counted', async () => {
  const [elements, padding] = [
    await metric('headgate_elements_total', 'padded'),
    await metric('headgate_padding_elements_total', 'padded'),
  ];
  const asked = MIX.reduce((sum, { data }) => sum + data.length, 0);
  assert.equal(elements - padding, asked);
  assert.ok(padding > 0);
  const runs = await metric('headgate_executions_total', 'padded');
  assert.ok(runs < (await metric('headgate_executions_total', 'alone')), `${runs} runs`);
  assert.equal(await metric('headgate_padding_elements_total', 'alone'), 0);
});

test('several inputs are padded together, each with its own value', async () => {
  const requests = Array.from({ length: 80 }, () => {
    const length = integer(1, 120);
    const mask = { name: 'mask', shape: [1, length], data: new Float32Array(length).fill(1) };
    return [{ name: 'tokens', shape: [1, length, 64], data: values(length * 64) }, mask];
  });
  const alone = await askAll('tokens-alone', requests);
  const together = await askAll('tokens', requests);
  for (const [i, answer] of together.entries()) {
    const expected = alone[i]?.binary.get('y') as Float32Array;
    answer.binary.get('y')?.forEach((value, k) => {
      assert.ok(Math.abs(value - (expected[k] as number)) < 1e-4, `${value} for ${expected[k]}`);
    });
  }
});

test('a declaration that does not fit the model keeps it from serving, and says why', async () => {
  const index = async () => {
    const response = await fetch(`${headgate.url}/v2/repository/index`, { method: 'POST' });
    const entries = (await response.json()) as { name: string; state: string; reason: string }[];
    return entries.find(({ name }) => name === 'undeclared');
  };
  let entry = await index();
  while (entry?.state === 'LOADING') entry = await index();
  assert.equal(entry?.state, 'UNAVAILABLE');
  assert.match(entry?.reason ?? '', /^padding\.outputs\.y: expected \{ axis: .*its axis 1 is free$/);
});
