import { type Datatype, ELEMENT_BYTES, type Shape } from '../tensor.ts';
import { FramedStrings } from './bytes-framing.ts';
import type { JsonReader } from './json-reader.ts';

interface Range {
  readonly min: number;
  readonly max: number;
}

const signed = (bits: number): Range => ({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const unsigned = (bits: number): Range => ({ min: 0, max: 2 ** bits - 1 });
const RANGES: Partial<Record<Datatype, Range>> = {
  INT8: signed(8),
  INT16: signed(16),
  INT32: signed(32),
  UINT8: unsigned(8),
  UINT16: unsigned(16),
  UINT32: unsigned(32),
};
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

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
    readArray(reader, shape, count, index => strings.append(readString(reader, index)));
    return strings.bytes();
  }
  const data = new Uint8Array(count * ELEMENT_BYTES[datatype]);
  readArray(reader, shape, count, elementReader(reader, datatype, data));
  return data;
}

type ReadElement = (index: number) => void;

function readArray(reader: JsonReader, shape: Shape, count: number, read: ReadElement): void {
  reader.enterArray('data');
  if (shape.length > 1 && reader.isArrayNext()) readLevels(reader, shape, 0, 0, read);
  else readRun(reader, count, 0, read, undefined);
}

/** The elements of an entered array along `axis`; returns the flat index after the last. */
function readLevels(reader: JsonReader, shape: Shape, axis: number, from: number, read: ReadElement): number {
  const size = shape[axis] as number;
  if (axis === shape.length - 1) {
    readRun(reader, size, from, read, axis);
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

/** `count` elements of an entered array, and its end. */
function readRun(
  reader: JsonReader,
  count: number,
  from: number,
  read: ReadElement,
  axis: number | undefined,
): void {
  const end = from + count;
  let index = from;
  while (reader.nextElement()) {
    if (index === end) failCount(reader, count, 'more', axis);
    read(index++);
  }
  if (index < end) failCount(reader, count, String(index - from), axis);
}

function failCount(reader: JsonReader, expected: number, got: string, axis: number | undefined): never {
  const where = axis === undefined ? '' : ` along axis ${axis}`;
  reader.fail('data', `expected ${expected} elements${where}, got ${got}`);
}

/** A closure per tensor, made once, so that the loop over elements knows no datatype. */
function elementReader(reader: JsonReader, datatype: Datatype, data: Uint8Array): ReadElement {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (datatype) {
    case 'FP32':
      return index => view.setFloat32(index * 4, readFloat(reader, index, true), true);
    case 'FP64':
      return index => view.setFloat64(index * 8, readFloat(reader, index, false), true);
    case 'BOOL':
      return index => {
        if (!reader.isBooleanNext()) failElement(reader, index, 'true or false', reader.describe());
        data[index] = reader.boolean() ? 1 : 0;
      };
    case 'INT64':
    case 'UINT64':
      return index => readInteger64(reader, index, datatype, view);
    default:
      return integerReader(reader, datatype, view);
  }
}

function integerReader(reader: JsonReader, datatype: Datatype, view: DataView): ReadElement {
  const { min, max } = RANGES[datatype] as Range;
  const bytes = ELEMENT_BYTES[datatype];
  return index => {
    const value = readNumber(reader, index);
    if (value !== Math.trunc(value) || value < min || value > max)
      failElement(reader, index, `an integer from ${min} to ${max} (${datatype})`, String(value));
    if (bytes === 4) view.setInt32(index * 4, value, true);
    else if (bytes === 2) view.setInt16(index * 2, value, true);
    else view.setInt8(index, value);
  };
}

/** Every integer of the datatype keeps all its digits; beyond 2⁵³ it must be written without fraction or exponent. */
function readInteger64(reader: JsonReader, index: number, datatype: Datatype, view: DataView): void {
  const start = reader.position;
  const value = readNumber(reader, index);
  const unsigned64 = datatype === 'UINT64';
  if (Number.isSafeInteger(value) && (value >= 0 || !unsigned64)) {
    view.setInt32(index * 8, value, true);
    view.setInt32(index * 8 + 4, Math.floor(value / 2 ** 32), true);
    return;
  }
  const text = reader.textSince(start).trim();
  const exact = /^-?\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  const [min, max] = unsigned64 ? [0n, MAX_UINT64] : [MIN_INT64, MAX_INT64];
  if (exact === undefined || exact < min || exact > max)
    failElement(reader, index, `an integer from ${min} to ${max} (${datatype})`, text.slice(0, 32));
  view.setBigInt64(index * 8, exact, true);
}

function readFloat(reader: JsonReader, index: number, single: boolean): number {
  const value = readNumber(reader, index, single);
  if (!Number.isFinite(single ? Math.fround(value) : value))
    failElement(reader, index, `a number within the range of ${single ? 'FP32' : 'FP64'}`, String(value));
  return value;
}

function readNumber(reader: JsonReader, index: number, single = false): number {
  if (!reader.isNumberNext()) failElement(reader, index, 'a number', reader.describe());
  return reader.number(single);
}

function readString(reader: JsonReader, index: number): string {
  if (!reader.isStringNext()) failElement(reader, index, 'a string', reader.describe());
  return reader.string();
}

/** Elements are named by their flat, row-major index, however they were nested. */
function failElement(reader: JsonReader, index: number, expected: string, got: string): never {
  reader.fail(`data[${index}]`, `expected ${expected}, got ${got}`);
}
