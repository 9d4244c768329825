/** The plain numbers of a JSON array, run by run. Whatever is odd is left for the caller to read, or refuse, one by one. */
import { COMMA, isSpace } from './json-bytes.ts';
import type { JsonCursor } from './json-cursor.ts';
import { beginsNumber } from './json-scalars.ts';
import { readFloatRun, readIntegerRun, run } from './number-runs.ts';
import { readShortFloats, readShortIntegers, separatorAfter } from './short-integers.ts';

/** Of one call: a function that runs for milliseconds in few calls is replaced in the middle of its loop, by worse code. */
const RUN_NUMBERS = 1024;

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Reads numbers into FP32 (`single`) or FP64 elements of `out` from place `index`, up to `end` or the first thing that
 * is not a plain number; returns the place after the last. `first`: no element of the array was read yet.
 */
export function readFloats(
  cursor: JsonCursor,
  first: boolean,
  out: DataView,
  index: number,
  end: number,
  single: boolean,
): number {
  for (let from = index; ; ) {
    const at = placeOfNumber(cursor, first && from === index);
    if (at < 0) return from;
    const to = Math.min(end, from + RUN_NUMBERS);
    const separator = separatorAfter(cursor.bytes, at);
    run.index = from;
    if (separator !== 0) readShortFloats(cursor.view, at, out, from, to, single, separator);
    if (run.index === from) readFloatRun(cursor.bytes, cursor.view, at, out, from, to, single);
    if (run.index === from) return from;
    cursor.at = run.at;
    if (run.index === end) return end;
    from = run.index;
  }
}

/** The same for integer elements of `size` bytes, up to the first thing that is not a plain integer in the range. */
export function readIntegers(
  cursor: JsonCursor,
  first: boolean,
  out: DataView,
  index: number,
  end: number,
  size: number,
  { min, max }: IntegerRange,
): number {
  for (let from = index; ; ) {
    const at = placeOfNumber(cursor, first && from === index);
    if (at < 0) return from;
    const to = Math.min(end, from + RUN_NUMBERS);
    const separator = separatorAfter(cursor.bytes, at);
    run.index = from;
    if (separator !== 0) readShortIntegers(cursor.view, at, out, from, to, size, max, separator);
    if (run.index === from) readIntegerRun(cursor.bytes, cursor.view, at, out, from, to, size, min, max);
    if (run.index === from) return from;
    cursor.at = run.at;
    if (run.index === end) return end;
    from = run.index;
  }
}

/** Where the array's next element begins, if it looks like a number; else −1. The cursor stays. */
function placeOfNumber({ bytes, at: from }: JsonCursor, first: boolean): number {
  let at = from;
  let byte = bytes[at] as number;
  if (!first) {
    while (isSpace(byte)) byte = bytes[++at] as number;
    if (byte !== COMMA) return -1;
    byte = bytes[++at] as number;
  }
  while (isSpace(byte)) byte = bytes[++at] as number;
  return beginsNumber(byte) ? at : -1;
}
