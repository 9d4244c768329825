import { type ErrorCode, GatewayError } from '../errors.ts';
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  isDigit,
  isSpace,
  kindOfValue,
  MINUS,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './json-bytes.ts';
import { scanNumber } from './json-number.ts';
import { JsonText } from './json-text.ts';
import { readFloatRun, readIntegerRun, run } from './number-runs.ts';
import { readShortFloats, readShortIntegers, separatorAfter } from './short-integers.ts';

const ONE = new Float64Array(1);
/** Of one call: a function that runs for milliseconds in few calls is replaced in the middle of its loop, by worse code. */
const RUN_NUMBERS = 1024;

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Reads JSON from bytes, value by value, straight to where it is wanted: no objects are built, so names such as
 * `__proto__` are only strings, 64-bit integers keep their digits, a repeated name is seen, and depth is counted as
 * it grows. The caller drives: `enter…` then `next…` until it says the container has ended, reading or skipping
 * exactly one value each time.
 */
export class JsonReader {
  readonly #bytes: Buffer;
  readonly #text: JsonText;
  /** The bytes again, for runs of numbers; made when there is one. */
  #view: DataView | undefined;
  readonly #maxDepth: number;
  readonly #code: ErrorCode;
  #at = 0;
  #depth = 0;
  /** No element of the innermost container was read yet. */
  #fresh = false;
  /** Which tensor is being read, for errors: the list's name ('' outside of one) and the place in it. */
  list = '';
  index = 0;

  /** `code` is what errors carry: `invalid` for a caller's bytes, `internal` for a worker's. */
  constructor(bytes: Uint8Array, maxDepth: number, code: ErrorCode) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#maxDepth = maxDepth;
    this.#code = code;
    this.#text = new JsonText(this.#bytes, code);
  }

  /** Where the next byte is; `seek` returns there. */
  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Continues at a value passed over before. */
  seek(position: number): void {
    this.#at = position;
  }

  /** Refuses the field, named from the tensor being read. */
  fail(field: string, problem: string): never {
    const owner = this.list === '' ? '' : `${this.list}[${this.index}]`;
    const dot = owner === '' || field === '' ? '' : '.';
    throw new GatewayError(this.#code, `${owner}${dot}${field}: ${problem}`);
  }

  failSyntax(expected: string): never {
    const found = this.#at < this.#bytes.length ? '' : ', but it ends there';
    throw new GatewayError(
      this.#code,
      `body: invalid JSON at byte ${this.#at}: expected ${expected}${found}`,
    );
  }

  /** The first byte of the next value or punctuation; −1 at the end. */
  peek(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.#at = at;
        return byte;
      }
    }
    this.#at = at;
    return -1;
  }

  /** What kind of value comes next, in words for an error. */
  describe(): string {
    return kindOfValue(this.peek()) ?? this.failSyntax('a value');
  }

  isNumberNext(): boolean {
    const byte = this.peek();
    return byte === MINUS || isDigit(byte);
  }

  isStringNext(): boolean {
    return this.peek() === QUOTE;
  }

  isArrayNext(): boolean {
    return this.peek() === OPEN_ARRAY;
  }

  isBooleanNext(): boolean {
    const byte = this.peek();
    return byte === 0x74 || byte === 0x66;
  }

  enterObject(field: string): void {
    this.#enter(OPEN_OBJECT, field, 'an object');
  }

  enterArray(field: string): void {
    this.#enter(OPEN_ARRAY, field, 'an array');
  }

  /** The next member's name, its value to be read; undefined when the object has ended. */
  nextMember(): string | undefined {
    if (!this.#next(CLOSE_OBJECT)) return undefined;
    if (this.peek() !== QUOTE) this.failSyntax('a member name');
    const name = this.string();
    if (this.peek() !== COLON) this.failSyntax("':'");
    this.#at++;
    return name;
  }

  /** Whether another element follows, to be read; false when the array has ended. */
  nextElement(): boolean {
    return this.#next(CLOSE_ARRAY);
  }

  /** After the last value: nothing but white space. */
  end(): void {
    if (this.peek() !== -1) this.failSyntax('nothing more');
  }

  /** Reads the string that `isStringNext` saw. */
  string(): string {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let escaped = false;
    let at = start;
    for (; ; at++) {
      const byte = at < bytes.length ? (bytes[at] as number) : 0;
      if (byte === QUOTE) break;
      if (byte < 0x20) {
        this.#at = at;
        this.failSyntax('the end of a string');
      }
      if (byte === BACKSLASH) {
        escaped = true;
        at++;
      }
    }
    this.#at = at + 1;
    return escaped ? this.#unescape(start - 1, at + 1) : this.#text.slice(start, at);
  }

  boolean(): boolean {
    const value = this.peek() === 0x74;
    this.#literal(value ? 'true' : 'false');
    return value;
  }

  /** Reads the number that `isNumberNext` saw, as `Number()` would; ±Infinity where it is beyond a double. */
  number(): number {
    const start = this.#at;
    const end = scanNumber(this.#bytes, start, ONE, 0, false);
    if (end < 0) {
      this.#at = -1 - end;
      this.failSyntax('a number as JSON writes it');
    }
    this.#at = end;
    const value = ONE[0] as number;
    return Number.isNaN(value) ? Number(this.#text.slice(start, end)) : value;
  }

  /**
   * Reads numbers of the entered array into FP32 (`single`) or FP64 elements of `out` from place `index`, up to
   * `end` or the first thing that is not a plain number; returns the place after the last.
   */
  floats(out: DataView, index: number, end: number, single: boolean): number {
    for (let from = index; ; ) {
      const at = this.#placeOfNumber();
      if (at < 0) return from;
      const to = Math.min(end, from + RUN_NUMBERS);
      const separator = separatorAfter(this.#bytes, at);
      if (separator !== 0) readShortFloats(this.#viewed(), at, out, from, to, single, separator);
      if (separator === 0 || run.index === from)
        readFloatRun(this.#bytes, this.#viewed(), at, out, from, to, single);
      if (!this.#endRun(from) || run.index === end) return run.index;
      from = run.index;
    }
  }

  /** The same for integer elements of `size` bytes, up to the first thing that is not a plain integer in the range. */
  integers(out: DataView, index: number, end: number, size: number, { min, max }: IntegerRange): number {
    for (let from = index; ; ) {
      const at = this.#placeOfNumber();
      if (at < 0) return from;
      const to = Math.min(end, from + RUN_NUMBERS);
      const separator = separatorAfter(this.#bytes, at);
      if (separator !== 0) readShortIntegers(this.#viewed(), at, out, from, to, size, max, separator);
      if (separator === 0 || run.index === from)
        readIntegerRun(this.#bytes, this.#viewed(), at, out, from, to, size, min, max);
      if (!this.#endRun(from) || run.index === end) return run.index;
      from = run.index;
    }
  }

  /** The text of what was read since `position`. */
  textSince(position: number): string {
    return this.#text.slice(position, this.#at);
  }

  /** Passes over one value of any kind; as deep as the depth limit allows. */
  skip(): void {
    const byte = this.peek();
    if (byte === QUOTE) this.string();
    else if (byte === MINUS || isDigit(byte)) this.number();
    else if (byte === OPEN_ARRAY) {
      this.enterArray('');
      while (this.nextElement()) this.skip();
    } else if (byte === OPEN_OBJECT) {
      this.enterObject('');
      while (this.nextMember() !== undefined) this.skip();
    } else if (byte === 0x74 || byte === 0x66) this.boolean();
    else this.#literal('null');
  }

  #enter(open: number, field: string, what: string): void {
    if (this.peek() !== open) this.fail(field, `expected ${what}, got ${this.describe()}`);
    if (++this.#depth > this.#maxDepth)
      throw new GatewayError(this.#code, `body: JSON nested deeper than ${this.#maxDepth} levels`);
    this.#at++;
    this.#fresh = true;
  }

  #next(close: number): boolean {
    const byte = this.peek();
    if (byte === close) {
      this.#at++;
      this.#depth--;
      this.#fresh = false;
      return false;
    }
    if (this.#fresh) {
      this.#fresh = false;
      return true;
    }
    if (byte !== COMMA) this.failSyntax(close === CLOSE_ARRAY ? "',' or ']'" : "',' or '}'");
    this.#at++;
    if (this.peek() === close) this.failSyntax('a value after the comma');
    return true;
  }

  #literal(word: string): void {
    for (let i = 0; i < word.length; i++)
      if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) this.failSyntax('a value');
    this.#at += word.length;
  }

  #unescape(start: number, end: number): string {
    const text = this.#text.unescape(start, end);
    if (text === undefined) {
      this.#at = start;
      this.failSyntax('a string with valid escapes');
    }
    return text;
  }

  /** Where the innermost array's next element begins, if it looks like a number; else −1. The cursor stays. */
  #placeOfNumber(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let byte = bytes[at] as number;
    if (!this.#fresh) {
      while (isSpace(byte)) byte = bytes[++at] as number;
      if (byte !== COMMA) return -1;
      byte = bytes[++at] as number;
    }
    while (isSpace(byte)) byte = bytes[++at] as number;
    return byte === MINUS || isDigit(byte) ? at : -1;
  }

  #viewed(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#view ??= new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  /** False when the run has read nothing. */
  #endRun(from: number): boolean {
    if (run.index === from) return false;
    this.#at = run.at;
    this.#fresh = false;
    return true;
  }
}

/** A caller's name as an error shows it: bounded. */
export function brief(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 64)}…`;
}
