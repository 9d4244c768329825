import { type Datatype, ELEMENT_BYTES, type Shape } from '../tensor.ts';
import { brief } from './brief.ts';
import { FramedStrings } from './bytes-framing.ts';
import type { JsonReader } from './json-reader.ts';
import type { IntegerRange } from './number-lists.ts';

const signed = (bits: number): IntegerRange => ({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const unsigned = (bits: number): IntegerRange => ({ min: 0, max: 2 ** bits - 1 });
const RANGES: Partial<Record<Datatype, IntegerRange>> = {
  INT8: signed(8),
  INT16: signed(16),
  INT32: signed(32),
  UINT8: unsigned(8),
  UINT16: unsigned(16),
  UINT32: unsigned(32),
};
const SAFE_UNSIGNED: IntegerRange = { min: 0, max: Number.MAX_SAFE_INTEGER };
const SAFE_SIGNED: IntegerRange = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * A small tensor is read into this and copied out: a view of a small array's own memory makes V8 move it out of the
 * heap. A request of 16 floats takes about what `JSON.parse` takes, instead of 1.6 times that.
 */
const SCRATCH = new Uint8Array(4096);
const SCRATCH_VIEW = new DataView(SCRATCH.buffer);

/**
 * Reads `data` of a tensor whose shape and datatype are known and checked, as its wire bytes. Takes it flat or
 * nested exactly as `shape` says. Refuses, naming the field, whatever the datatype cannot hold: fractions and values
 * out of range for integers, finite numbers that overflow FP32, strings for numbers, null.
 */
export function readTensorData(
  reader: JsonReader,
  datatype: Datatype,
  shape: Shape,
  count: number,
): Uint8Array {
  if (datatype === 'FP16')
    reader.fail('data', 'FP16 cannot be sent as JSON: send binary data (binary_data_size)');
  // Each element takes at least a character and a comma: nothing is allocated for elements that cannot be there.
  if (count * 2 - 1 > reader.remaining) reader.fail('data', `expected ${count} elements, got fewer`);
  if (datatype === 'BYTES') {
    const strings = new FramedStrings();
    readArray(
      reader,
      shape,
      count,
      elements(reader, index => strings.append(readString(reader, index))),
    );
    return strings.bytes();
  }
  const bytes = count * ELEMENT_BYTES[datatype];
  if (bytes <= SCRATCH.length) {
    readArray(reader, shape, count, runReader(reader, datatype, SCRATCH, SCRATCH_VIEW));
    return SCRATCH.slice(0, bytes);
  }
  const data = new Uint8Array(bytes);
  readArray(reader, shape, count, runReader(reader, datatype, data, new DataView(data.buffer)));
  return data;
}

/** Reads the entered array's elements up to its end; `index` is the first one's flat index, `count` how many must come. */
type ReadRun = (index: number, count: number, axis: number | undefined) => void;

function readArray(reader: JsonReader, shape: Shape, count: number, read: ReadRun): void {
  reader.enterArray('data');
  if (shape.length > 1 && reader.isArrayNext()) readLevels(reader, shape, 0, 0, read);
  else read(0, count, undefined);
}

/** The elements of an entered array along `axis`; returns the flat index after the last. */
function readLevels(reader: JsonReader, shape: Shape, axis: number, from: number, read: ReadRun): number {
  const size = shape[axis] as number;
  if (axis === shape.length - 1) {
    read(from, size, axis);
    return from + size;
  }
  let index = from;
  let seen = 0;
  while (reader.nextElement()) {
    if (++seen > size) failCount(reader, size, 'more', axis);
    reader.enterArray('data');
    index = readLevels(reader, shape, axis + 1, index, read);
  }
  if (seen < size) failCount(reader, size, String(seen), axis);
  return index;
}

function failCount(reader: JsonReader, expected: number, got: string, axis: number | undefined): never {
  const where = axis === undefined ? '' : ` along axis ${axis}`;
  reader.fail('data', `expected ${expected} elements${where}, got ${got}`);
}

/** A closure per tensor, made once, so that the loops over elements know no datatype. */
function runReader(reader: JsonReader, datatype: Datatype, data: Uint8Array, view: DataView): ReadRun {
  if (datatype === 'BOOL') return elements(reader, index => readBoolean(reader, index, data));
  if (datatype === 'FP32') {
    return numbers(
      reader,
      (index, end) => reader.floats(view, index, end, true),
      index => view.setFloat32(index * 4, readFloat32(reader, index), true),
    );
  }
  if (datatype === 'FP64') {
    return numbers(
      reader,
      (index, end) => reader.floats(view, index, end, false),
      index => view.setFloat64(index * 8, readFloat64(reader, index), true),
    );
  }
  const size = ELEMENT_BYTES[datatype];
  if (size === 8) {
    const safe = datatype === 'UINT64' ? SAFE_UNSIGNED : SAFE_SIGNED;
    return numbers(
      reader,
      (index, end) => reader.integers(view, index, end, size, safe),
      index => readInteger64(reader, index, datatype, view),
    );
  }
  const range = RANGES[datatype] as IntegerRange;
  return numbers(
    reader,
    (index, end) => reader.integers(view, index, end, size, range),
    index => storeInteger(view, size, index, readInteger(reader, index, datatype, range)),
  );
}

/** Element by element. */
function elements(reader: JsonReader, read: (index: number) => void): ReadRun {
  return (from, count, axis) => {
    const end = from + count;
    let index = from;
    while (reader.nextElement()) {
      if (index === end) failCount(reader, count, 'more', axis);
      read(index++);
    }
    if (index < end) failCount(reader, count, String(index - from), axis);
  };
}

/** Numbers: in runs as long as they are plain, one by one where they are not. */
function numbers(
  reader: JsonReader,
  readPlain: (index: number, end: number) => number,
  readOdd: (index: number) => void,
): ReadRun {
  return (from, count, axis) => {
    const end = from + count;
    for (let index = from; ; index++) {
      index = readPlain(index, end);
      if (!reader.nextElement()) {
        if (index < end) failCount(reader, count, String(index - from), axis);
        return;
      }
      if (index === end) failCount(reader, count, 'more', axis);
      if (!reader.isNumberNext()) failElement(reader, index, 'a number', reader.describe());
      readOdd(index);
    }
  };
}

function readFloat32(reader: JsonReader, index: number): number {
  const value = reader.number();
  if (!Number.isFinite(Math.fround(value))) failRange(reader, index, 'FP32', value);
  return value;
}

function readFloat64(reader: JsonReader, index: number): number {
  const value = reader.number();
  if (!Number.isFinite(value)) failRange(reader, index, 'FP64', value);
  return value;
}

function readInteger(
  reader: JsonReader,
  index: number,
  datatype: Datatype,
  { min, max }: IntegerRange,
): number {
  const value = reader.number();
  if (value !== Math.trunc(value) || value < min || value > max)
    failElement(reader, index, `an integer from ${min} to ${max} (${datatype})`, String(value));
  return value;
}

function storeInteger(view: DataView, size: number, index: number, value: number): void {
  if (size === 4) view.setInt32(index * 4, value, true);
  else if (size === 2) view.setInt16(index * 2, value, true);
  else view.setInt8(index, value);
}

function readBoolean(reader: JsonReader, index: number, data: Uint8Array): void {
  if (!reader.isBooleanNext()) failElement(reader, index, 'true or false', reader.describe());
  data[index] = reader.boolean() ? 1 : 0;
}

/** Every integer of the datatype keeps all its digits; beyond 2⁵³ it must be written without fraction or exponent. */
function readInteger64(reader: JsonReader, index: number, datatype: Datatype, view: DataView): void {
  const start = reader.position;
  const value = reader.number();
  const unsigned64 = datatype === 'UINT64';
  if (Number.isSafeInteger(value) && (value >= 0 || !unsigned64)) {
    view.setInt32(index * 8, value, true);
    view.setInt32(index * 8 + 4, Math.floor(value / 2 ** 32), true);
    return;
  }
  const text = reader.textSince(start);
  const exact = /^-?\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  const [min, max] = unsigned64 ? [0n, MAX_UINT64] : [MIN_INT64, MAX_INT64];
  if (exact === undefined || exact < min || exact > max)
    failElement(reader, index, `an integer from ${min} to ${max} (${datatype})`, brief(text));
  view.setBigInt64(index * 8, exact, true);
}

function readString(reader: JsonReader, index: number): string {
  if (!reader.isStringNext()) failElement(reader, index, 'a string', reader.describe());
  const text = reader.string();
  if (text.includes('\0'))
    failElement(reader, index, 'a string without NUL', JSON.stringify(text.slice(0, 40)));
  if (!text.isWellFormed()) failElement(reader, index, 'a string without lone surrogates', 'one');
  return text;
}

function failRange(reader: JsonReader, index: number, datatype: Datatype, value: number): never {
  failElement(reader, index, `a number within the range of ${datatype}`, String(value));
}

/** Elements are named by their flat, row-major index, however they were nested. */
function failElement(reader: JsonReader, index: number, expected: string, got: string): never {
  reader.fail(`data[${index}]`, `expected ${expected}, got ${got}`);
}
