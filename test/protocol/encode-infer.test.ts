import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../src/errors.ts';
import { highest } from '../../src/protocol/classification.ts';
import { type EncodeOptions, encodeInfer } from '../../src/protocol/encode-infer.ts';
import type { RequestedOutput } from '../../src/protocol/infer-request.ts';
import { JsonWriter } from '../../src/protocol/json-writer.ts';
import { DEFAULT_PARAMETERS } from '../../src/protocol/read-parameters.ts';
import { writeTensorData } from '../../src/protocol/write-tensor-data.ts';
import type { Datatype, Tensor } from '../../src/tensor.ts';

const OPTIONS: EncodeOptions = { nonFinite: 'error', classLabels: new Map() };

function tensor(name: string, datatype: Datatype, shape: readonly number[], values: ArrayBufferView): Tensor {
  return { name, datatype, shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}
const floats = (name: string, ...values: readonly number[]): Tensor =>
  tensor(name, 'FP32', [values.length], Float32Array.from(values));
const asked = (name: string, binary?: boolean, classification = 0): RequestedOutput => ({
  name,
  binary,
  classification,
});

function encode(
  outputs: readonly Tensor[],
  requested?: readonly RequestedOutput[],
  options: Partial<EncodeOptions> & { binaryDataOutput?: boolean; id?: string } = {},
): { text: string; binary: readonly string[]; headerLength: number | undefined } {
  const { binaryDataOutput = false, id = '', ...rest } = options;
  const reply = encodeInfer(
    { model: 'm', version: '3', id, outputs },
    { outputs: requested, parameters: { ...DEFAULT_PARAMETERS, binaryDataOutput } },
    { ...OPTIONS, ...rest },
  );
  const [json, ...binary] = reply.chunks.map(chunk => Buffer.from(chunk));
  return {
    text: json?.toString().trimEnd() ?? '',
    binary: binary.map(b => b.toString('hex')),
    headerLength: reply.headerLength,
  };
}
const dataOf = (text: string): unknown =>
  (JSON.parse(text) as { outputs: { data: unknown }[] }).outputs.map(output => output.data);

test('writes members in the order of Triton', () => {
  const { text } = encode([floats('y', 0.1, 2)], undefined, { id: 'a"b' });
  assert.equal(
    text,
    '{"id":"a\\"b","model_name":"m","model_version":"3","outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[0.1,2]}]}',
  );
});

test('writes outputs in the order asked for, each binary or JSON as it says itself', () => {
  const [a, b, c] = [floats('a', 1), floats('b', 2), floats('c', 3)];
  const mixed = encode([a, b, c], [asked('c'), asked('a', false)], { binaryDataOutput: true });
  assert.deepEqual(mixed.binary, ['00004040']);
  assert.match(mixed.text, /"c".*"binary_data_size":4.*"a".*"data":\[1\]/);
  assert.equal((mixed.headerLength ?? 1) % 8, 0);
  assert.deepEqual(encode([a, b], undefined, { binaryDataOutput: true }).binary, ['0000803f', '00000040']);
  assert.deepEqual(encode([a, b], [asked('b', true), asked('a')]).binary, ['00000040']);
});

test('announces no binary data where no byte follows', () => {
  const reply = encode([tensor('y', 'FP32', [0], new Float32Array(0))], undefined, {
    binaryDataOutput: true,
  });
  assert.equal(reply.headerLength, undefined);
  assert.match(reply.text, /"binary_data_size":0/);
});

test('follows the policy for numbers that JSON does not have', () => {
  const odd = floats('y', Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1);
  const wide = tensor('y', 'FP64', [1], Float64Array.of(Number.NaN));
  assert.deepEqual(dataOf(encode([odd], undefined, { nonFinite: 'null' }).text), [[null, null, null, 1]]);
  assert.deepEqual(dataOf(encode([odd], undefined, { nonFinite: 'string' }).text), [
    ['NaN', 'Infinity', '-Infinity', 1],
  ]);
  assert.deepEqual(dataOf(encode([wide], undefined, { nonFinite: 'null' }).text), [[null]]);
  for (const output of [odd, wide])
    assert.throws(
      () => encode([output]),
      new GatewayError(
        'model-failed',
        "output 'y' holds NaN, which JSON cannot carry: ask for it with binary_data or binary_data_output",
      ),
    );
  assert.equal(encode([odd], [asked('y', true)]).binary.length, 1);
});

test('refuses as JSON what has no text', () => {
  const bad = { name: 'y', datatype: 'BYTES' as const, shape: [1], data: Buffer.from('01000000ff', 'hex') };
  assert.throws(
    () => encode([bad]),
    new GatewayError(
      'model-failed',
      "output 'y' holds bytes that are not UTF-8, which JSON cannot carry: ask for it with binary_data or binary_data_output",
    ),
  );
  const half = tensor('y', 'FP16', [1], Uint16Array.of(0));
  assert.throws(
    () => encode([half]),
    new GatewayError(
      'model-failed',
      "output 'y' is FP16, which JSON cannot carry: ask for it with binary_data or binary_data_output",
    ),
  );
  assert.throws(
    () => encode([half], [asked('z')]),
    new GatewayError('internal', "the model did not answer with output 'z'"),
  );
});

test('writes strings, booleans and integers', () => {
  const strings = {
    name: 'y',
    datatype: 'BYTES' as const,
    shape: [3],
    data: Buffer.from('0200000061220000000003000000e282ac', 'hex'),
  };
  assert.deepEqual(dataOf(encode([strings]).text), [['a"', '', '€']]);
  assert.deepEqual(dataOf(encode([tensor('y', 'BOOL', [2], Uint8Array.of(1, 0))]).text), [[true, false]]);
  const long = tensor('y', 'INT64', [4], BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), -1n, 4294967295n));
  assert.match(encode([long]).text, /"data":\[9223372036854775807,-9223372036854775808,-1,4294967295\]/);
  assert.deepEqual(dataOf(encode([tensor('y', 'UINT32', [1], Uint32Array.of(4294967295))]).text), [
    [4294967295],
  ]);
});

test('writes more numbers than one chunk holds, from bytes that are not aligned', () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => i / 8);
  const shifted = Buffer.concat([Buffer.of(0), Buffer.from(values.buffer)]).subarray(1);
  const output = { name: 'y', datatype: 'FP32' as const, shape: [10, 100], data: shifted };
  assert.deepEqual(dataOf(encode([output]).text), [[...values]]);
});

test('classifies each row where there are rows, the whole where not', () => {
  const scores = tensor('y', 'FP32', [2, 3], Float32Array.of(0.1, 0.7, 0.2, 5, 5, -1));
  const labels = { classLabels: new Map([['y', ['cat', 'dog']]]) };
  assert.deepEqual(dataOf(encode([scores], [asked('y', false, 2)], labels).text), [
    ['0.7:1:dog', '0.2:2', '5:0:cat', '5:1:dog'],
  ]);
  const flat = encode([scores], [asked('y', false, 9)], { ...labels, batched: false });
  assert.match(flat.text, /"datatype":"BYTES","shape":\[6\]/);
  assert.deepEqual(encode([scores], [asked('y', true, 1)]).binary, ['05000000302e373a3103000000353a30']);
});

test('classifies every numeric datatype by its own order', () => {
  const of = (datatype: Datatype, values: ArrayBufferView): unknown =>
    dataOf(encode([tensor('y', datatype, [3], values)], [asked('y', false, 2)]).text);
  assert.deepEqual(of('INT64', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 63n - 2n)), [
    ['9223372036854775807:1', '9223372036854775806:2'],
  ]);
  assert.deepEqual(of('UINT8', Uint8Array.of(1, 200, 3)), [['200:1', '3:2']]);
  assert.deepEqual(of('INT8', Int8Array.of(1, -56, 3)), [['3:2', '1:0']]);
  assert.deepEqual(of('FP16', Float16Array.of(0.5, 2, 1)), [['2:1', '1:2']]);
  assert.deepEqual(of('FP64', Float64Array.of(Number.NaN, 0.1, -1)), [['0.1:1', '-1:2']]);
});

test('selects few of many and many of many alike', () => {
  const values = Float64Array.from({ length: 200 }, (_, i) => (i * 37) % 101);
  values[7] = Number.NaN;
  const all = highest(values, 0, 200, 200);
  assert.deepEqual(highest(values, 0, 200, 64), all.slice(0, 64));
  assert.equal(all.at(-1), 7);
});

test('keeps many of many classes as a whole sort would', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(Number.NaN)), { maxLength: 300 }),
      fc.integer({ min: 65, max: 300 }),
      (list, kept) => {
        const place = (value: number): number => (Number.isNaN(value) ? -1 : value);
        const expected = list
          .map((_, i) => i)
          .sort((a, b) => place(list[b] as number) - place(list[a] as number) || a - b);
        assert.deepEqual(highest(list, 0, list.length, kept), expected.slice(0, kept));
      },
    ),
  );
});

test('a thousand classes of a million cost about a comparison for each value', () => {
  let reads = 0;
  const values = Float32Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) % 1_000_003);
  const counted = new Proxy(values, {
    get(of, key) {
      reads++;
      return Reflect.get(of, key);
    },
  });
  assert.equal(highest(counted, 0, values.length, 1000).length, 1000);
  assert.ok(reads < 8 * values.length, `${reads} reads`);
});

test('reserves room for the numbers there are, not for a whole step of them', () => {
  let reserved = 0;
  class Watched extends JsonWriter {
    override write(bytes: number, writer: (out: Uint8Array, at: number) => number): void {
      reserved += bytes;
      super.write(bytes, writer);
    }
  }
  writeTensorData(new Watched(16), floats('y', 1, 2, 3), 'error');
  assert.ok(reserved > 0 && reserved < 200, `${reserved} bytes for three numbers`);
});
