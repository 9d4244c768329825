import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import { InferDecoder } from '../../src/protocol/infer-decoder.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/protocol/limits.ts';

const TARGET = {
  name: 'm',
  maxBatchSize: 8,
  signature: {
    inputs: [
      { name: 'a', datatype: 'FP32', shape: [-1, 2] },
      { name: 'b', datatype: 'INT8', shape: [-1, -1] },
    ],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
  },
} as const;

interface Asked {
  readonly rows: number;
  readonly width: number;
  readonly id: string;
  readonly swapped: boolean;
  readonly extra: boolean;
  readonly seed: number;
}

function bodyOf({ rows, width, id, swapped, extra, seed }: Asked): { body: Buffer; headerLength: number } {
  const a = { name: 'a', datatype: 'FP32', shape: [rows, 2], parameters: { binary_data_size: rows * 8 } };
  const b = {
    name: 'b',
    datatype: 'INT8',
    shape: [rows, width],
    parameters: { binary_data_size: rows * width },
  };
  const json = Buffer.from(JSON.stringify({ id, inputs: swapped ? [b, a] : [a, b] }));
  const bytes = Buffer.alloc(rows * 8 + rows * width + (extra ? 1 : 0)).map((_, i) => (i * 7 + seed) & 0x7f);
  return { body: Buffer.concat([json, bytes]), headerLength: json.length };
}

const asked = fc.record({
  rows: fc.integer({ min: 1, max: 2 }),
  width: fc.integer({ min: 1, max: 2 }),
  id: fc.constantFrom('', 'x'),
  swapped: fc.boolean(),
  extra: fc.boolean(),
  seed: fc.nat(255),
});

const outcome = (decode: () => unknown): unknown => {
  try {
    return decode();
  } catch (error) {
    return (error as Error).message;
  }
};

test('remembering the last header changes nothing about any answer', () => {
  fc.assert(
    fc.property(fc.array(asked, { minLength: 2, maxLength: 12 }), requests => {
      const decoder = new InferDecoder(TARGET, DEFAULT_DECODE_LIMITS);
      for (const request of requests) {
        const { body, headerLength } = bodyOf(request);
        assert.deepEqual(
          outcome(() => decoder.decode(body, headerLength)),
          outcome(() => decodeInfer(body, headerLength, TARGET)),
        );
      }
    }),
  );
});

test('a second request with the same header has its own bytes, as views of its own body', () => {
  const decoder = new InferDecoder(TARGET, DEFAULT_DECODE_LIMITS);
  const [first, second] = [1, 2].map(seed => {
    const { body, headerLength } = bodyOf({ rows: 2, width: 1, id: '', swapped: true, extra: false, seed });
    return { body, decoded: decoder.decode(body, headerLength) };
  });
  assert.notDeepEqual(second?.decoded.inputs[0]?.data, first?.decoded.inputs[0]?.data);
  assert.equal(second?.decoded.inputs[0]?.data.buffer, second?.body.buffer);
});

test('elements that must be looked at are looked at every time', () => {
  const target = {
    ...TARGET,
    signature: { ...TARGET.signature, inputs: [{ name: 'flag', datatype: 'BOOL', shape: [-1] }] },
  } as const;
  const decoder = new InferDecoder(target, DEFAULT_DECODE_LIMITS);
  const json = Buffer.from(
    JSON.stringify({
      inputs: [{ name: 'flag', datatype: 'BOOL', shape: [1], parameters: { binary_data_size: 1 } }],
    }),
  );
  decoder.decode(Buffer.concat([json, Buffer.of(1)]), json.length);
  assert.throws(() => decoder.decode(Buffer.concat([json, Buffer.of(7)]), json.length), { code: 'invalid' });
});

test('a request with an id of its own does not displace what is remembered', () => {
  const decoder = new InferDecoder(TARGET, DEFAULT_DECODE_LIMITS);
  const decode = (id: string) => {
    const json = bodyOf({ rows: 1, width: 1, id, swapped: false, extra: false, seed: 1 });
    return decoder.decode(json.body, json.headerLength);
  };
  const first = decode('');
  decode('x');
  assert.equal(decode('').inputs[0]?.shape, first.inputs[0]?.shape);
});
