import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import { slowFloat32Text, writeFloat32, writeInteger } from '../../src/protocol/number-text.ts';
import type { Datatype } from '../../src/tensor.ts';
import { single } from './fixtures/malformed-requests.ts';

function read(datatype: Datatype, texts: readonly string[]): Buffer {
  const json = `{"inputs":[{"name":"x","shape":[${texts.length}],"datatype":"${datatype}","data":[${texts.join(',')}]}]}`;
  const [input] = decodeInfer(Buffer.from(json), undefined, single(datatype, [-1])).inputs;
  return Buffer.from(input?.data ?? []);
}

const out = Buffer.alloc(64);
const printed = (value: number): string => out.toString('latin1', 0, writeFloat32(out, 0, value));

const digits = (max: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: max }).map(list => list.join(''));
/** Decimal numbers as JSON allows them, from one digit to forty, with and without fraction and exponent. */
const decimals = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits(22).map(text => text.replace(/^0+(?=.)/, '')),
    fc.option(digits(22), { nil: undefined }),
    fc.option(
      fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.integer({ min: 0, max: 30 })),
      { nil: undefined },
    ),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${exponent?.join('') ?? ''}`,
  );

test('reads every decimal as Number does, FP64', () => {
  fc.assert(
    fc.property(fc.oneof(decimals, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)), text => {
      assert.ok(Object.is(read('FP64', [text]).readDoubleLE(0), Number(text)), text);
    }),
    { numRuns: 5000 },
  );
});

test('reads every decimal as Math.fround of Number does, FP32', () => {
  fc.assert(
    fc.property(decimals, text => {
      fc.pre(Number.isFinite(Math.fround(Number(text))));
      assert.ok(Object.is(read('FP32', [text]).readFloatLE(0), Math.fround(Number(text))), text);
    }),
    { numRuns: 5000 },
  );
});

test('rounds decimals beside a midpoint of two float32 to the right side', () => {
  fc.assert(
    fc.property(
      fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(1e-20), max: Math.fround(1e20) }),
      value => {
        const bits = new Uint32Array(Float32Array.of(value).buffer);
        const next = new Float32Array(Uint32Array.of((bits[0] ?? 0) + 1).buffer)[0] ?? 0;
        const middle = (value + next) / 2;
        for (const text of [middle.toPrecision(17), middle.toPrecision(19), middle.toPrecision(16)])
          assert.ok(Object.is(read('FP32', [text]).readFloatLE(0), Math.fround(Number(text))), text);
      },
    ),
    { numRuns: 3000 },
  );
});

test('prints a float32 as short as any text that reads back as it', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.float({ noNaN: true, noDefaultInfinity: true }),
        decimals.map(text => Math.fround(Number(text))),
      ),
      value => {
        fc.pre(Number.isFinite(value));
        const text = printed(value);
        assert.ok(Object.is(Math.fround(Number(text)), value), `${value}: ${text}`);
        assert.ok(Object.is(Math.fround(JSON.parse(text)), value), `${value}: ${text}`);
        const significant = (s: string): number =>
          s
            .replace(/e.*/, '')
            .replace(/[-.]/g, '')
            .replace(/^0+|0+$/g, '').length;
        if (Math.abs(value) >= 2 ** 24 || value !== Math.trunc(value))
          assert.ok(
            significant(text) <= significant(slowFloat32Text(value)),
            `${value}: ${text}, ${slowFloat32Text(value)}`,
          );
      },
    ),
    { numRuns: 20000 },
  );
});

test('prints float32 as people write them', () => {
  const texts = [
    '0',
    '-0',
    '1',
    '0.1',
    '-0.1',
    '1.5',
    '3.3',
    '0.001',
    '0.000001',
    '1.5e-7',
    '1e-7',
    '123456.79',
    '16777216',
    '999999',
    '0.99999994',
    '100000000000000000000',
    '1e+21',
    '3.4028235e+38',
    '1e-45',
    '1.1754944e-38',
  ];
  assert.deepEqual(
    texts.map(text => printed(Math.fround(Number(text)))),
    texts,
  );
});

test('prints every integer up to 2⁵³', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), value => {
      assert.equal(out.toString('latin1', 0, writeInteger(out, 0, value)), String(value));
    }),
    { numRuns: 2000 },
  );
});

test('keeps every digit of 64-bit integers', () => {
  const texts = [
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740993',
    '-9007199254740993',
    '9007199254740992',
    '-1',
    '0',
    '-0',
    '4294967296',
    '-4294967297',
    '1e3',
    '2.0',
  ];
  const bytes = read('INT64', texts);
  assert.deepEqual(
    texts.map((_, i) => bytes.readBigInt64LE(i * 8)),
    [...texts.slice(0, -2).map(BigInt), 1000n, 2n],
  );
  const unsigned = read('UINT64', ['18446744073709551615', '9223372036854775808', '0']);
  assert.deepEqual(
    [0, 8, 16].map(at => unsigned.readBigUInt64LE(at)),
    [2n ** 64n - 1n, 2n ** 63n, 0n],
  );
});
