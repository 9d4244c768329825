import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import type { Datatype } from '../../src/tensor.ts';
import { single } from './fixtures/malformed-requests.ts';

const digits = (max: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...'0123456789'), { minLength: 1, maxLength: max }).map(list => list.join(''));
const exponent = fc
  .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.integer({ min: 0, max: 400 }))
  .map(parts => parts.join(''));

/** Numbers of every length, as JSON writes them or nearly so: leading zeros and missing digits happen. */
const written = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom('0', '1', '7', '') }, digits(24)),
    fc.oneof(
      { weight: 2, arbitrary: fc.constant('') },
      { weight: 4, arbitrary: digits(26).map(text => `.${text}`) },
      { weight: 1, arbitrary: fc.constant('.') },
    ),
    fc.oneof({ weight: 4, arbitrary: fc.constant('') }, exponent),
  )
  .map(parts => parts.join(''));

const bits = new DataView(new ArrayBuffer(8));
const anyFloat32 = fc.integer({ min: 0, max: 0x7f7fffff }).map(pattern => {
  bits.setInt32(0, pattern);
  return bits.getFloat32(0);
});
/** The middle between a float32 and the next, to more digits than decide, and its neighbours. */
const halfway = fc
  .tuple(fc.integer({ min: 0, max: 0x7f7ffffe }), fc.integer({ min: 15, max: 25 }), fc.constantFrom(-1, 0, 1))
  .map(([pattern, precision, aside]) => {
    bits.setInt32(0, pattern);
    const low = bits.getFloat32(0);
    bits.setInt32(0, pattern + 1);
    bits.setFloat64(0, (low + bits.getFloat32(0)) / 2);
    bits.setBigInt64(0, bits.getBigInt64(0) + BigInt(aside));
    const middle = bits.getFloat64(0);
    return middle > 1e-6 && middle < 1e20 ? middle.toPrecision(precision) : String(middle);
  });
const EDGES = ['0', '-0', '-0.0', '0e0', '1e400', '-1e400', '1e-400', '1e38', '3.4028235e38', '3.4028236e38'];
EDGES.push(
  '1.',
  '.5',
  '+1',
  '01',
  '-01',
  '-',
  '00',
  '0x1',
  'NaN',
  'Infinity',
  '1e',
  '1e+',
  '1E5',
  '1_0',
  '١',
);
EDGES.push('9007199254740993', '900719925474099.3', '9007199254740993.0', '1.7976931348623157e308');
EDGES.push('0.00000000000000000000001', '4.9e-324', '1e-45', '7e-46', '5e-324', '0000', '1 2', 'null', '"1"');
const number = fc.oneof(
  written,
  halfway,
  anyFloat32.map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ noNaN: true, min: -10, max: 10 }).map(value => value.toFixed(17)),
  fc.integer({ min: -300, max: 70_000 }).map(String),
  fc.maxSafeInteger().map(String),
  fc.constantFrom(...EDGES),
);
const valid = number.filter(text => {
  try {
    return typeof JSON.parse(text) === 'number';
  } catch {
    return false;
  }
});
const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n', '   ');
const comma = fc.tuple(space, space).map(([before, after]) => `${before},${after}`);

/** `data` of a whole request; what follows it is long, or nothing but the closing brackets. */
const around = (datatype: Datatype, count: number, data: string, tail: boolean): string =>
  `{"inputs":[{"name":"x","shape":[${count}],"datatype":"${datatype}","data":${data}}]${tail ? ',"ignored":"a long member behind"' : ''}}`;

type Outcome = Uint8Array | 'refused';

function decode(datatype: Datatype, json: string): Outcome {
  try {
    return decodeInfer(Buffer.from(json), undefined, single(datatype, [-1])).inputs[0]?.data ?? 'refused';
  } catch {
    return 'refused';
  }
}

type Values = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array;
/** Each datatype's array, and whether it holds a number as it is or, for floats, rounded. */
const KINDS: readonly [Datatype, (values: readonly number[]) => Values][] = [
  ['FP32', values => Float32Array.from(values)],
  ['FP64', values => Float64Array.from(values)],
  ['INT8', values => Int8Array.from(values)],
  ['UINT8', values => Uint8Array.from(values)],
  ['INT16', values => Int16Array.from(values)],
  ['INT32', values => Int32Array.from(values)],
  ['UINT32', values => Uint32Array.from(values)],
];

/** What `JSON.parse` and a copy into the datatype's array make of the request; undefined where that is no tensor. */
function parsed(json: string, count: number, kind: (typeof KINDS)[number]): Outcome | undefined {
  const [datatype, copy] = kind;
  let data: unknown;
  try {
    data = (JSON.parse(json) as { inputs: { data: unknown }[] }).inputs[0]?.data;
  } catch {
    return 'refused';
  }
  if (!Array.isArray(data) || data.length !== count || !data.every(value => typeof value === 'number'))
    return undefined;
  const values = copy(data);
  const held = datatype.startsWith('FP')
    ? values.every(value => Number.isFinite(value))
    : values.every((value, i) => value === data[i]);
  return held ? new Uint8Array(values.buffer) : 'refused';
}

function compare(json: string, count: number, kind: (typeof KINDS)[number]): void {
  const wanted = parsed(json, count, kind);
  const found = decode(kind[0], json);
  if (wanted === 'refused' || wanted === undefined) assert.equal(found, 'refused', json);
  else assert.deepEqual(Buffer.from(found === 'refused' ? [] : found), Buffer.from(wanted), json);
}

for (const kind of KINDS) {
  test(`reads and refuses single numbers as JSON.parse and rounding do, ${kind[0]}`, () => {
    fc.assert(
      fc.property(number, fc.boolean(), (text, tail) => {
        compare(around(kind[0], 1, `[${text}]`, tail), 1, kind);
      }),
      { numRuns: 4000 },
    );
  });
}

const lists = fc
  .array(fc.tuple(valid, comma), { minLength: 1, maxLength: 12 })
  .map(parts => ({ count: parts.length, text: parts.map(([text, join]) => text + join).join('') }))
  .map(({ count, text }) => ({ count, text: `[${text.slice(0, text.lastIndexOf(','))}]` }));

for (const kind of KINDS.slice(0, 4)) {
  test(`reads lists with white space anywhere as JSON.parse and rounding do, ${kind[0]}`, () => {
    fc.assert(
      fc.property(lists, fc.boolean(), ({ count, text }, tail) => {
        compare(around(kind[0], count, text, tail), count, kind);
      }),
      { numRuns: 2000 },
    );
  });

  test(`takes no damaged list that JSON.parse refuses, and no other value, ${kind[0]}`, () => {
    const damage = fc.tuple(
      fc.nat(),
      fc.nat(3),
      fc.constantFrom(...'0123456789.,eE+-[]{}":nt \n\0\u0001\u000b\u00a0x', ',,', '1.5', ']]', ',]'),
    );
    const plain = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 99 }), fc.double({ min: 0, max: 9, noNaN: true })),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(plain, damage, fc.boolean(), (values, [place, drop, put], tail) => {
        const text = JSON.stringify(values);
        const at = place % (text.length + 1);
        const broken = text.slice(0, at) + put + text.slice(at + drop);
        compare(around(kind[0], values.length, broken, tail), values.length, kind);
      }),
      { numRuns: 6000 },
    );
  });
}

test('reads 16 to 19 digits as Number does, FP64', () => {
  const wide = fc
    .tuple(digits(12), digits(18))
    .map(([whole, rest]) => `${whole.replace(/^0+(?=.)/, '')}.${rest}`);
  fc.assert(
    fc.property(wide, text => {
      const found = Buffer.from(decode('FP64', around('FP64', 1, `[${text}]`, true)) as Uint8Array);
      assert.ok(Object.is(found.readDoubleLE(0), Number(text)), text);
    }),
    { numRuns: 20_000 },
  );
});

test('reads nested lists as flat ones', () => {
  const rows = fc
    .integer({ min: 1, max: 3 })
    .chain(width =>
      fc.array(fc.array(valid, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 4 }),
    );
  fc.assert(
    fc.property(rows, space, (table, gap) => {
      const width = table[0]?.length ?? 0;
      const of = (data: string): string =>
        `{"inputs":[{"name":"x","shape":[${table.length},${width}],"datatype":"FP64","data":${data}}]}`;
      const decoded = (data: string): unknown => {
        try {
          const target = single('FP64', [-1, -1]);
          return Buffer.from(decodeInfer(Buffer.from(of(data)), undefined, target).inputs[0]?.data ?? []);
        } catch {
          return 'refused';
        }
      };
      const nested = `[${table.map(row => `${gap}[${row.join(`${gap},`)}${gap}]`).join(`,${gap}`)}${gap}]`;
      assert.deepEqual(decoded(nested), decoded(`[${table.flat().join(',')}]`));
    }),
    { numRuns: 2000 },
  );
});
