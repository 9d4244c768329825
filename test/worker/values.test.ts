import assert from 'node:assert/strict';
import test from 'node:test';
import { type Datatype, ELEMENT_BYTES } from '../../src/tensor.ts';
import { concat, identity, twoInputs, twoOutputs } from '../support/onnx.ts';
import { input, startWorker } from './running-worker.ts';

/** Two elements of each datatype, extremes among them. */
const SAMPLES: Record<Exclude<Datatype, 'BYTES'>, ArrayBufferView> = {
  BOOL: new Uint8Array([0, 1]),
  UINT8: new Uint8Array([0, 255]),
  UINT16: new Uint16Array([1, 65_535]),
  UINT32: new Uint32Array([1, 2 ** 32 - 1]),
  UINT64: new BigUint64Array([1n, 2n ** 64n - 1n]),
  INT8: new Int8Array([-128, 127]),
  INT16: new Int16Array([-32_768, 32_767]),
  INT32: new Int32Array([-(2 ** 31), 2 ** 31 - 1]),
  INT64: new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]),
  FP16: new Uint16Array([0x3c00, 0xfc00]),
  FP32: new Float32Array([Number.NaN, -0]),
  FP64: new Float64Array([Number.MIN_VALUE, Number.NEGATIVE_INFINITY]),
};

const framed = (...texts: string[]): Uint8Array =>
  Buffer.concat(
    texts.map(text => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  );

test('every datatype comes back bit for bit, with its shape', async t => {
  const worker = await startWorker(t);
  for (const [datatype, values] of Object.entries(SAMPLES) as [Datatype, ArrayBufferView][]) {
    const loaded = await worker.load(identity({ datatype, shape: [-1, 2] }), {}, datatype);
    assert.equal(loaded.status, 200, `${datatype}: ${loaded.body}`);
    const sent = input('x', datatype, [1, 2], values);
    const [output] = await worker.infer([sent], { model: datatype });
    assert.deepEqual(
      { ...output, data: Buffer.from(output?.data ?? []) },
      { name: 'y', datatype, shape: [1, 2], data: Buffer.from(sent.parts[0] ?? []) },
    );
    assert.equal(output?.data.length, 2 * ELEMENT_BYTES[datatype]);
  }
});

test('strings come back as they were, empty and non-Latin ones too', async t => {
  const worker = await startWorker(t);
  await worker.load(identity({ datatype: 'BYTES', shape: [-1] }));
  const texts = framed('', 'plain', 'žluťoučký 🐎');
  const [output] = await worker.infer([input('x', 'BYTES', [3], texts)]);
  assert.deepEqual(Buffer.from(output?.data ?? []), texts);
});

test('a string that the engine would change is refused, not changed', async t => {
  const worker = await startWorker(t);
  await worker.load(identity({ datatype: 'BYTES', shape: [-1] }));
  const nul = await worker.inferRaw([input('x', 'BYTES', [2], framed('ok', 'a\0b'))]);
  assert.equal(nul.status, 500);
  assert.match(nul.body.toString(), /input 'x': element 1 holds a NUL/);
  const latin1 = await worker.inferRaw([input('x', 'BYTES', [1], new Uint8Array([1, 0, 0, 0, 0xe9]))]);
  assert.match(latin1.body.toString(), /element 0 is not UTF-8/);
  const cut = await worker.inferRaw([input('x', 'BYTES', [1], new Uint8Array([9, 0, 0, 0, 65]))]);
  assert.equal(cut.status, 400);
});

test('tensors without elements pass', async t => {
  const worker = await startWorker(t);
  await worker.load(identity({ shape: [-1, 4] }));
  const [output] = await worker.infer([input('x', 'FP32', [0, 4], new Float32Array(0))]);
  assert.deepEqual([output?.shape, output?.data.length], [[0, 4], 0]);
});

test('outputs too large for a slot, and growing and shrinking inputs, keep their values', async t => {
  const worker = await startWorker(t);
  await worker.load(identity({ datatype: 'UINT32', shape: [-1] }), { instances: 2 });
  for (const length of [10, 100_000, 3, 1_000_000, 20_000, 7]) {
    const values = Uint32Array.from({ length }, (_, i) => i * 2_654_435_761);
    const [output] = await worker.infer([input('x', 'UINT32', [length], values)]);
    assert.deepEqual(
      Buffer.compare(output?.data ?? new Uint8Array(), Buffer.from(values.buffer)),
      0,
      String(length),
    );
  }
});

test('inputs in any order, of odd sizes, land where they belong', async t => {
  const worker = await startWorker(t);
  await worker.load(twoInputs(3));
  const b = input('b', 'FP32', [1, 3], new Float32Array([10, 20, 30]));
  const a = input('a', 'FP32', [1, 3], new Float32Array([1, 2, 3]));
  const outputs = await worker.infer([b, a]);
  assert.deepEqual(
    outputs.map(({ name, data }) => [name, [...floats(data)]]),
    [
      ['sum', [11, 22, 33]],
      ['difference', [-9, -18, -27]],
    ],
  );
  await worker.load(concat(), {}, 'concat');
  const [joined] = await worker.infer(
    [input('a', 'FP32', [1, 1], new Float32Array([7])), input('b', 'FP32', [1, 2], new Float32Array([8, 9]))],
    { model: 'concat' },
  );
  assert.deepEqual(
    [joined?.shape, [...floats(joined?.data ?? new Uint8Array())]],
    [
      [1, 3],
      [7, 8, 9],
    ],
  );
});

test('only the outputs asked for are answered, in that order', async t => {
  const worker = await startWorker(t);
  await worker.load(twoOutputs(1));
  const x = input('x', 'FP32', [1, 1], new Float32Array([5]));
  const named = async (outputs: string[]) =>
    (await worker.infer([x], { outputs })).map(({ name, data }) => [name, floats(data)[0]]);
  assert.deepEqual(await named(['doubled']), [['doubled', 10]]);
  assert.deepEqual(await named(['doubled', 'plus_one']), [
    ['doubled', 10],
    ['plus_one', 6],
  ]);
});

test('JSON tensors are answered as JSON, with id, and mixed with binary ones', async t => {
  const worker = await startWorker(t);
  await worker.load(twoInputs(2));
  const tensor = (name: string, data: number[]) => ({ name, datatype: 'FP32', shape: [1, 2], data });
  const { status, body } = await worker.json('POST', '/v2/models/m/versions/1.g1/infer', {
    id: 'seven',
    inputs: [tensor('a', [1, 2]), tensor('b', [3, 4])],
    outputs: [{ name: 'sum' }],
  });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    id: 'seven',
    model_name: 'm',
    model_version: '1.g1',
    outputs: [{ name: 'sum', datatype: 'FP32', shape: [1, 2], data: [4, 6] }],
  });
  const header = JSON.stringify({
    inputs: [
      tensor('a', [1, 2]),
      { name: 'b', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
    ],
  });
  const mixed = await worker.request(
    'POST',
    '/v2/models/m/versions/1.g1/infer',
    Buffer.concat([Buffer.from(header), Buffer.from(new Float32Array([5, 6]).buffer)]),
    { 'inference-header-content-length': header.length },
  );
  const [sum] = (JSON.parse(mixed.body.toString()) as { outputs: [{ data: number[] }] }).outputs;
  assert.deepEqual(sum.data, [6, 8]);
});

function floats(data: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(data).buffer);
}
