import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import type { Datatype } from '../../src/tensor.ts';
import { single } from './fixtures/malformed-requests.ts';

/** Each datatype's array, as `JSON.parse`'s numbers fill it. */
const KINDS: readonly [Datatype, (values: readonly number[]) => ArrayBufferView][] = [
  ['FP32', values => Float32Array.from(values)],
  ['FP64', values => Float64Array.from(values)],
  ['UINT8', values => Uint8Array.from(values)],
  ['INT8', values => Int8Array.from(values)],
  ['INT16', values => Int16Array.from(values)],
  ['UINT32', values => Uint32Array.from(values)],
  ['INT64', values => BigInt64Array.from(values, BigInt)],
];

/** Longer behind the data than any word that is read ahead. */
const BEHIND = ',"ignored":"a long member behind"';

const request = (datatype: Datatype, count: number, data: string): string =>
  `{"inputs":[{"name":"x","shape":[${count}],"datatype":"${datatype}","data":[${data}]}]${BEHIND}}`;

function decode(datatype: Datatype, count: number, data: string): Buffer | 'refused' {
  try {
    const body = Buffer.from(request(datatype, count, data));
    return Buffer.from(decodeInfer(body, undefined, single(datatype, [-1])).inputs[0]?.data ?? []);
  } catch {
    return 'refused';
  }
}

/** What `JSON.parse` and the datatype's array make of it. */
function parsed([datatype, copy]: (typeof KINDS)[number], count: number, data: string): Buffer | 'refused' {
  try {
    const values = JSON.parse(`[${data}]`) as unknown[];
    if (values.length !== count || !values.every(value => typeof value === 'number')) return 'refused';
    return fits(datatype, values) ? Buffer.from(copy(values).buffer) : 'refused';
  } catch {
    return 'refused';
  }
}

const RANGES: Partial<Record<Datatype, readonly [number, number]>> = {
  UINT8: [0, 255],
  INT8: [-128, 127],
  INT16: [-32768, 32767],
  UINT32: [0, 2 ** 32 - 1],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

function fits(datatype: Datatype, values: readonly number[]): boolean {
  const range = RANGES[datatype];
  if (range === undefined) return values.every(value => Number.isFinite(Math.fround(value)));
  return values.every(value => Number.isInteger(value) && value >= range[0] && value <= range[1]);
}

/** Mostly short, with the neighbours that end a run. */
const integer = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 255 }) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 1200 }) },
  { weight: 1, arbitrary: fc.constantFrom(0.5, 127, 128, 256, 999, 1000, 65536) },
);
const separator = fc.constantFrom(',', ', ', ',  ', ' ,', ',\n');

for (const kind of KINDS) {
  test(`reads short integers with any separator as JSON.parse does, ${kind[0]}`, () => {
    fc.assert(
      fc.property(
        fc.array(integer, { minLength: 1, maxLength: 40 }),
        fc.array(fc.tuple(separator, fc.nat(40)), { minLength: 1, maxLength: 3 }),
        (values, separators) => {
          const [first] = separators[0] as [string, number];
          const odd = new Map(separators.slice(1).map(([text, place]) => [place, text]));
          const data = values.map((value, i) => (i === 0 ? '' : (odd.get(i) ?? first)) + value).join('');
          assert.deepEqual(
            decode(kind[0], values.length, data),
            parsed(kind, values.length, data),
            `[${data}]`,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  test(`takes no damaged list of short integers that JSON.parse refuses, ${kind[0]}`, () => {
    const damage = fc.constantFrom(...'0123456789.,eE+-[]{}":n \n\0\x0b\x1c\x3a\u00a0', ',,', '00', ', ,');
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 127 }), { minLength: 1, maxLength: 12 }),
        fc.constantFrom(',', ', '),
        fc.nat(),
        fc.nat(2),
        damage,
        (values, join, place, drop, put) => {
          const text = values.join(join);
          const at = place % (text.length + 1);
          const data = text.slice(0, at) + put + text.slice(at + drop);
          // What closes the list early is another request, which other tests are about.
          fc.pre(!/[\]}"]/.test(put));
          assert.deepEqual(
            decode(kind[0], values.length, data),
            parsed(kind, values.length, data),
            `[${data}]`,
          );
        },
      ),
      { numRuns: 3000 },
    );
  });
}

test('reads runs longer than one call takes', () => {
  const values = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 1000);
  for (const kind of KINDS.filter(([datatype]) => !datatype.endsWith('INT8') && datatype !== 'INT8'))
    for (const join of [',', ', '])
      assert.deepEqual(
        decode(kind[0], values.length, values.join(join)),
        parsed(kind, values.length, values.join(join)),
      );
});
