/**
 * Runs of integers of one to three digits, such as pixels. No branch depends on how long a number is, and all are
 * stored in one way first: 150,528 pixels take about half of what `readFloatRun` takes for them, 0.4 of `JSON.parse`.
 */
import { COMMA, isDigit } from './json-bytes.ts';
import { REACH, run } from './number-runs.ts';

/** Numbers of one run at most. A branch for each way to store an element would make the loop half as fast. */
export const MOST_SHORT = 1024;
const VALUES = new Uint16Array(MOST_SHORT);
const LARGEST = 999;
const MOST_DIGITS = 3;
const SPACE = 0x20;

type Elements = Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
type ElementsClass = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => Elements;
const INTEGERS: Readonly<Record<number, ElementsClass>> = { 1: Int8Array, 2: Int16Array, 4: Int32Array };

/** What separates the number that begins at `at` from the next: a comma: 1, or one and a space: 2; 0: it is no short integer. */
export function separatorAfter(bytes: Uint8Array, at: number): 0 | 1 | 2 {
  let end = at;
  while (end < at + MOST_DIGITS && isDigit(bytes[end] as number)) end++;
  if (bytes[end] !== COMMA) return 0;
  return bytes[end + 1] === SPACE ? 2 : 1;
}

/**
 * Reads integers of up to three digits, the first beginning at `start`, into FP32 (`single`) or FP64 elements from
 * `index` to `end` at most, as long as each is followed by this separator of `separatorAfter`. `run` says where it ended.
 */
export function readShortFloats(
  view: DataView,
  start: number,
  out: DataView,
  index: number,
  end: number,
  single: boolean,
  separator: 1 | 2,
): void {
  const count = readValues(view, start, Math.min(end - index, MOST_SHORT), separator);
  place(count, out, index, single ? 4 : 8, single ? Float32Array : Float64Array);
}

/** The same into integer elements of `size` bytes; reads none where one is above `max`. */
export function readShortIntegers(
  view: DataView,
  start: number,
  out: DataView,
  index: number,
  end: number,
  size: number,
  max: number,
  separator: 1 | 2,
): void {
  let count = readValues(view, start, Math.min(end - index, MOST_SHORT), separator);
  if (max < LARGEST && isAnyAbove(max, count)) count = 0;
  const Integers = INTEGERS[size];
  if (Integers !== undefined) place(count, out, index, size, Integers);
  else placeWide(count, out, index);
}

/** Into `VALUES`; returns how many. */
function readValues(view: DataView, start: number, most: number, separator: 1 | 2): number {
  const last = view.byteLength - REACH;
  const mask = separator === 1 ? 0xff : 0xffff;
  const expected = separator === 1 ? COMMA : COMMA | (SPACE << 8);
  let at = start;
  let count = 0;
  while (at <= last && count < most) {
    const word = view.getInt32(at, true);
    // Bit 4 is set in digits, and not in a comma.
    const second = (word >>> 12) & 1;
    const third = second & (word >>> 20);
    const length = 1 + second + third;
    const digits = word ^ 0x30303030;
    const above = 32 - (length << 3);
    // No digit, or a zero in front of one.
    const odd = (digits | (digits + 0x06060606)) & 0xf0f0f0f0;
    if (odd << above !== 0 || (digits & 0xff) < second) break;
    if ((view.getUint16(at + length, true) & mask) !== expected) break;
    const pairs = (Math.imul(digits << above, 2561) >>> 8) & 0x00ff00ff;
    VALUES[count] = Math.imul(pairs, 6553601) >>> 16;
    count++;
    at += length + separator;
  }
  run.at = at - separator;
  return count;
}

function isAnyAbove(max: number, count: number): boolean {
  for (let i = 0; i < count; i++) if ((VALUES[i] as number) > max) return true;
  return false;
}

/** `set` converts in one native loop: 0.1 ms for 150,528. */
function place(count: number, out: DataView, index: number, size: number, Class: ElementsClass): void {
  const values = count === MOST_SHORT ? VALUES : VALUES.subarray(0, count);
  new Class(out.buffer, out.byteOffset + index * size, count).set(values);
  run.index = index + count;
}

function placeWide(count: number, out: DataView, index: number): void {
  for (let i = 0; i < count; i++) {
    out.setInt32((index + i) * 8, VALUES[i] as number, true);
    out.setInt32((index + i) * 8 + 4, 0, true);
  }
  run.index = index + count;
}
