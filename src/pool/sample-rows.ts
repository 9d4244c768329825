/** Made-up rows to try a model with: distinct, repeatable, of any datatype. */
import type { Execution, StackedTensor } from '../inference.ts';
import { type Datatype, elementCount, type Shape } from '../tensor.ts';

export type Fill = 'zero' | 'random' | number;

export interface SampleInput {
  readonly name: string;
  readonly datatype: Datatype;
  /** Of one row, without the batch axis; of the whole input for a model without one. */
  readonly rowShape: Shape;
  /** Wire bytes of a few different rows. */
  readonly rows: readonly Uint8Array[];
}

/** Rows for every input of a model, in the signature's order. */
export interface Sample {
  readonly inputs: readonly SampleInput[];
  readonly batched: boolean;
}

export const SAMPLE_ROWS = 3;

export function sampleInput(name: string, datatype: Datatype, rowShape: Shape, fill: Fill): SampleInput {
  const count = elementCount(rowShape);
  const rows = Array.from({ length: SAMPLE_ROWS }, (_, row) => fillRow(datatype, count, fill, row));
  return { name, datatype, rowShape, rows };
}

/** The run that has these sample rows, in this order, along the batch axis. */
export function executionOf(sample: Sample, rows: readonly number[]): Execution {
  const inputs = sample.inputs.map((input): StackedTensor => {
    const parts = rows.map(row => input.rows[row % SAMPLE_ROWS] as Uint8Array);
    const shape = sample.batched ? [rows.length, ...input.rowShape] : input.rowShape;
    return { name: input.name, datatype: input.datatype, shape, parts };
  });
  return { inputs, outputs: undefined, rows: rows.length };
}

/** As many of its rows, over and over. */
export function repeated(sample: Sample, size: number): Execution {
  return executionOf(
    sample,
    Array.from({ length: size }, (_, row) => row),
  );
}

/** Bytes of one row, all inputs together. */
export function rowBytes(sample: Sample): number {
  return sample.inputs.reduce((sum, { rows }) => sum + (rows[0]?.byteLength ?? 0), 0);
}

/** True when no input's rows differ, so that mixed-up rows could not be noticed. */
export function rowsAreAlike(sample: Sample): boolean {
  return sample.inputs.every(
    ({ rows }) => Buffer.compare(rows[0] as Uint8Array, rows[1] as Uint8Array) === 0,
  );
}

type NumberArray = new (length: number) => { [index: number]: number; readonly buffer: ArrayBufferLike };

const NUMBERS: Partial<Record<Datatype, NumberArray>> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  FP16: Float16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};

function fillRow(datatype: Datatype, count: number, fill: Fill, row: number): Uint8Array {
  const value = valueSource(datatype, fill, row);
  if (datatype === 'BYTES') return frameStrings(Array.from({ length: count }, (_, i) => String(value(i))));
  if (datatype === 'INT64' || datatype === 'UINT64') {
    const big = BigInt64Array.from({ length: count }, (_, i) => BigInt(Math.trunc(value(i))));
    return new Uint8Array(big.buffer);
  }
  const numbers = new (NUMBERS[datatype] ?? Uint8Array)(count);
  for (let i = 0; i < count; i++) numbers[i] = value(i);
  return new Uint8Array(numbers.buffer as ArrayBuffer);
}

/** Floats ~N(0,1); integers 0 or 1, which are valid as booleans, masks, class and token ids alike. */
function valueSource(datatype: Datatype, fill: Fill, row: number): (i: number) => number {
  if (fill !== 'random') return () => (fill === 'zero' ? 0 : fill);
  const random = mulberry32(0x9e3779b9 ^ (row * 7919));
  if (datatype.startsWith('FP')) {
    return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  }
  // The first element alternates between rows, so that even a single integer differs from its neighbour's.
  return i => (i === 0 ? row % 2 : Math.round(random()));
}

/** A small seeded generator: the same model is tried with the same rows each time. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function frameStrings(strings: readonly string[]): Uint8Array {
  return Buffer.concat(
    strings.map(text => {
      const framed = Buffer.alloc(4 + Buffer.byteLength(text));
      framed.writeUInt32LE(framed.length - 4);
      framed.write(text, 4);
      return framed;
    }),
  );
}
