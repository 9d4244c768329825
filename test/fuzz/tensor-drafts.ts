/** A tensor as JSON would describe it: right for its model, with now and then a member that is not. */
import fc from 'fast-check';
import type { Datatype } from '../../src/tensor.ts';
import type { FuzzInput, FuzzModel } from './fuzz-models.ts';

export interface TensorParts {
  readonly name: unknown;
  readonly datatype: unknown;
  readonly shape: unknown;
  /** How many elements the right shape has. */
  readonly count: number;
  readonly input: FuzzInput;
}

const ODD_NAMES = ['', 'X', '__proto__', 'constructor', 'y', '\u0000', 'a'.repeat(300), 7, null, ['x'], '😀'];
const ODD_TYPES = ['fp32', 'FP64', 'BYTES', 'INT64', 'STRING', '__proto__', '', 0, null, {}];
const ODD_SIZES = [-1, 0, 1, 2 ** 31, 2 ** 53, 2 ** 63, 1e308, 1.5, '1', null, true, [1], -0];

/** One time in 13 the odd one. */
export const seldom = <T>(right: T, odd: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: odd });

/** One time in three. */
export const often = <T>(right: T, odd: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: odd });

function rightShape({ shape }: FuzzInput, rows: number, width: number): number[] {
  return shape.map((size, axis) => (size !== -1 ? size : axis === 0 ? rows : width));
}

export function tensorParts(input: FuzzInput): fc.Arbitrary<TensorParts> {
  return fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }))
    .chain(([rows, width]) => partsOf(input, rightShape(input, rows, width)));
}

function partsOf(input: FuzzInput, shape: readonly number[]): fc.Arbitrary<TensorParts> {
  const odd = fc.array(fc.oneof(fc.constantFrom(...ODD_SIZES), fc.integer({ min: 0, max: 9 })), {
    maxLength: 20,
  });
  return fc.record({
    name: seldom(input.name, fc.constantFrom(...ODD_NAMES)),
    datatype: seldom(input.datatype, fc.constantFrom(...ODD_TYPES)),
    shape: seldom(shape, fc.oneof(odd, fc.constantFrom<unknown>(null, {}, 4, '1,4'))),
    count: fc.constant(shape.reduce((product, size) => product * size, 1)),
    input: fc.constant(input),
  });
}

/** All inputs of the model, at times one too many, too few or twice. */
export function allTensors({ inputs }: FuzzModel): fc.Arbitrary<readonly TensorParts[]> {
  const right = fc.tuple(...inputs.map(tensorParts));
  const any = fc.array(fc.constantFrom(...inputs).chain(tensorParts), { maxLength: 4 });
  return fc.oneof({ weight: 8, arbitrary: right }, { weight: 1, arbitrary: any });
}

/** A value as JSON of the datatype, now and then of none. */
export function element(datatype: Datatype): fc.Arbitrary<unknown> {
  const odd = fc.constantFrom<unknown>(
    null,
    '',
    'NaN',
    true,
    1e308,
    -1e308,
    2 ** 53,
    -1,
    300,
    1.5,
    [],
    {},
    [0],
  );
  return fc.oneof({ weight: 24, arbitrary: rightElement(datatype) }, { weight: 1, arbitrary: odd });
}

function rightElement(datatype: Datatype): fc.Arbitrary<unknown> {
  if (datatype === 'BOOL') return fc.boolean();
  if (datatype === 'BYTES') return fc.string({ unit: 'binary', maxLength: 8 });
  if (datatype.startsWith('FP')) return fc.float({ noNaN: true, noDefaultInfinity: true });
  const signed = datatype.startsWith('INT');
  return fc.integer({ min: signed ? -9 : 0, max: 9 });
}

/** Bytes of a length, of which an element is whatever it happens to be. */
export function rawData(datatype: Datatype, count: number): fc.Arbitrary<Buffer> {
  if (datatype === 'BYTES') return framedTexts(count);
  const size = Number(/\d+$/.exec(datatype)?.[0] ?? 8) / 8;
  const bytes = fc.uint8Array({ minLength: count * size, maxLength: count * size });
  if (datatype === 'BOOL') return bytes.map(values => Buffer.from(values.map(value => value % 2)));
  if (datatype !== 'INT64') return bytes.map(values => Buffer.from(values));
  return fc
    .array(fc.bigInt({ min: -9n, max: 9n }), { minLength: count, maxLength: count })
    .map(values => Buffer.from(BigInt64Array.from(values).buffer));
}

function framedTexts(count: number): fc.Arbitrary<Buffer> {
  const text = fc.string({ maxLength: 6 }).map(value => {
    const bytes = Buffer.from(value);
    const framed = Buffer.alloc(4 + bytes.length);
    framed.writeUInt32LE(bytes.length);
    framed.set(bytes, 4);
    return framed;
  });
  return fc.array(text, { minLength: count, maxLength: count }).map(texts => Buffer.concat(texts));
}

const PARAMETERS: readonly unknown[] = [
  ...[{ binary_data_output: true }, { binary_data_output: 1 }, { priority: 1 }, { timeout: 60_000_000 }],
  ...[
    { timeout: -1 },
    { sequence_id: 5 },
    { triton_x: 1 },
    { shared_memory_region: 'r' },
    { a: {} },
    [],
    null,
  ],
  ...[{ classification: 2 }, { __proto__: null, constructor: 1 }, { binary_data: true }],
];
export const parameters = fc.constantFrom(...PARAMETERS);

/** Outputs as they may be asked for. */
export function outputs({ outputs: names }: FuzzModel): fc.Arbitrary<unknown> {
  const name = seldom(names[0], fc.constantFrom(...ODD_NAMES));
  const output = fc.record({ name, parameters }, { requiredKeys: ['name'] });
  return fc.oneof(
    { weight: 8, arbitrary: fc.array(output, { maxLength: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(null, {}, 'y', [[]], Array(64).fill({ name: 'y' })) },
  );
}
