import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type EncodeOptions, encodeInfer } from '../../src/protocol/encode-infer.ts';
import { InferEncoder } from '../../src/protocol/infer-encoder.ts';
import { DEFAULT_PARAMETERS } from '../../src/protocol/read-parameters.ts';
import type { Tensor } from '../../src/tensor.ts';

const OPTIONS: EncodeOptions = { nonFinite: 'null', classLabels: new Map(), batched: true };
const LISTS = [
  undefined,
  [{ name: 'y', binary: true, classification: 0 }],
  [{ name: 'y', binary: undefined, classification: 0 }],
  [{ name: 'y', binary: true, classification: 1 }],
  [
    { name: 'z', binary: true, classification: 0 },
    { name: 'y', binary: false, classification: 0 },
  ],
] as const;

/** Mostly alike, so that what is remembered is mostly used. */
const reply = fc.record({
  version: fc.constantFrom('1', '1', '1', '2'),
  id: fc.constantFrom('', '', '', '', 'x'),
  name: fc.constantFrom('y', 'y', 'y', 'y', 'w'),
  shape: fc.constantFrom([1, 4], [1, 4], [2, 2], [0, 4]),
  datatype: fc.constantFrom('INT8', 'INT8', 'INT8', 'UINT8', 'BYTES'),
  seed: fc.integer({ min: 0, max: 1 }),
  list: fc.constantFrom(...LISTS, undefined, undefined, undefined),
  binaryDataOutput: fc.boolean(),
});

function outputsOf({ name, shape, datatype, seed }: typeof reply extends fc.Arbitrary<infer R> ? R : never) {
  const count = (shape[0] as number) * (shape[1] as number);
  const element = datatype === 'BYTES' ? [seed, 0, 0, 0, ...new Array(seed).fill(65)] : [seed];
  const bytes = Uint8Array.from(Array.from({ length: count }, () => element).flat());
  const z: Tensor = { name: 'z', datatype: 'UINT8', shape: [1], data: Uint8Array.of(seed) };
  return [{ name, datatype, shape, data: bytes } as Tensor, z];
}

const outcome = (encode: () => unknown): unknown => {
  try {
    return encode();
  } catch (error) {
    return (error as Error).message;
  }
};

test('remembering the last JSON changes nothing about any reply', () => {
  fc.assert(
    fc.property(fc.array(reply, { minLength: 2, maxLength: 12 }), replies => {
      const encoder = new InferEncoder(OPTIONS);
      for (const one of replies) {
        const outputs = outputsOf(one);
        const request = {
          outputs: one.list,
          parameters: { ...DEFAULT_PARAMETERS, binaryDataOutput: one.binaryDataOutput },
        };
        const said = { model: 'm', version: one.version, id: one.id, outputs };
        const plain = outcome(() => encodeInfer(said, request, OPTIONS));
        assert.deepEqual(comparable(outcome(() => encoder.encode(said, request))), comparable(plain));
      }
    }),
  );
});

function comparable(encoded: unknown): unknown {
  if (typeof encoded !== 'object' || encoded === null || !('chunks' in encoded)) return encoded;
  const chunks = encoded.chunks as readonly Uint8Array[];
  return { ...encoded, chunks: chunks.map(chunk => Buffer.from(chunk).toString('hex')) };
}

test('a reply that says the same as the last shares its JSON', () => {
  const encoder = new InferEncoder(OPTIONS);
  const request = { outputs: undefined, parameters: { ...DEFAULT_PARAMETERS, binaryDataOutput: true } };
  const answer = (value: number) => {
    const y: Tensor = { name: 'y', datatype: 'UINT8', shape: [1, 1], data: Uint8Array.of(value) };
    return encoder.encode({ model: 'm', version: '1', id: '', outputs: [y] }, request);
  };
  answer(1);
  const [second, third] = [answer(2), answer(3)];
  assert.equal(second.chunks[0], third.chunks[0]);
  assert.deepEqual([second.chunks[1], third.chunks[1]], [Uint8Array.of(2), Uint8Array.of(3)]);
});

const kept = (data: number[], name = 'y'): Tensor => ({
  name,
  datatype: 'UINT8',
  shape: [1, data.length],
  data: Uint8Array.from(data),
});
const textOf = ({ chunks }: { chunks: readonly Uint8Array[] }) => Buffer.concat(chunks).toString();

test('remembering the texts of kept replies changes nothing about any reply', () => {
  const results = [[kept([1, 2])], [kept([3]), kept([4], 'z')], [kept([5])]];
  const use = fc.record({
    outputs: fc.constantFrom(...results),
    list: fc.constantFrom(undefined, undefined, [{ name: 'y', binary: false, classification: 0 }]),
    id: fc.constantFrom('', '', 'x'),
    binaryDataOutput: fc.constantFrom(false, false, true),
  });
  fc.assert(
    fc.property(fc.array(use, { maxLength: 30 }), uses => {
      const encoder = new InferEncoder(OPTIONS);
      for (const { outputs, list, id, binaryDataOutput } of uses) {
        const reply = { model: 'm', version: '1', id, outputs };
        const asked = { outputs: list, parameters: { ...DEFAULT_PARAMETERS, binaryDataOutput } };
        assert.deepEqual(encoder.encodeKept(reply, asked), encodeInfer(reply, asked, OPTIONS));
      }
    }),
  );
});

test('the text of a kept reply is written once, as long as not too many others came since', () => {
  const encoder = new InferEncoder(OPTIONS);
  const asked = { outputs: undefined, parameters: DEFAULT_PARAMETERS };
  const encode = (outputs: Tensor[]) =>
    encoder.encodeKept({ model: 'm', version: '1', id: '', outputs }, asked);
  const outputs = [kept([7])];
  const first = encode(outputs);
  assert.equal(encode(outputs), first);
  for (let i = 0; i < 512; i++) encode([kept([i % 256])]);
  assert.notEqual(encode(outputs), first);
  assert.equal(textOf(encode(outputs)), textOf(first));
  const large = [kept(new Array<number>(4096).fill(1))];
  assert.notEqual(encode(large), encode(large), 'a long text is not remembered');
});
