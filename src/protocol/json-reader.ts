import { type ErrorCode, GatewayError } from '../errors.ts';
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  LOWER_N,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './json-bytes.ts';
import { JsonCursor } from './json-cursor.ts';
import {
  beginsBoolean,
  beginsNumber,
  passLiteral,
  readBoolean,
  readNumber,
  readString,
} from './json-scalars.ts';
import { type IntegerRange, readFloats, readIntegers } from './number-lists.ts';

/**
 * Reads JSON from bytes, value by value, straight to where it is wanted: no objects are built, so names such as
 * `__proto__` are only strings, 64-bit integers keep their digits, a repeated name is seen, and depth is counted as
 * it grows. The caller drives: `enter…` then `next…` until it says the container has ended, reading or skipping
 * exactly one value each time.
 */
export class JsonReader {
  readonly #cursor: JsonCursor;
  readonly #maxDepth: number;
  #depth = 0;
  /** No element of the innermost container was read yet. */
  #fresh = false;
  /** Which tensor is being read, for errors: the list's name ('' outside of one) and the place in it. */
  list = '';
  index = 0;

  /** `code` is what errors carry: `invalid` for a caller's bytes, `internal` for a worker's. */
  constructor(bytes: Uint8Array, maxDepth: number, code: ErrorCode) {
    this.#cursor = new JsonCursor(bytes, code);
    this.#maxDepth = maxDepth;
  }

  /** Where the next byte is; `seek` returns there. */
  get position(): number {
    return this.#cursor.at;
  }

  get remaining(): number {
    return this.#cursor.bytes.length - this.#cursor.at;
  }

  /** Continues at a value passed over before. */
  seek(position: number): void {
    this.#cursor.at = position;
  }

  /** The text of what was read since `position`. */
  textSince(position: number): string {
    return this.#cursor.text.slice(position, this.#cursor.at);
  }

  /** Refuses the field, named from the tensor being read. */
  fail(field: string, problem: string): never {
    const owner = this.list === '' ? '' : `${this.list}[${this.index}]`;
    const dot = owner === '' || field === '' ? '' : '.';
    throw new GatewayError(this.#cursor.code, `${owner}${dot}${field}: ${problem}`);
  }

  /** What kind of value comes next, in words for an error. */
  describe(): string {
    return this.#cursor.describe();
  }

  isNumberNext(): boolean {
    return beginsNumber(this.#cursor.peek());
  }

  isStringNext(): boolean {
    return this.#cursor.peek() === QUOTE;
  }

  isArrayNext(): boolean {
    return this.#cursor.peek() === OPEN_ARRAY;
  }

  isBooleanNext(): boolean {
    return beginsBoolean(this.#cursor.peek());
  }

  isNullNext(): boolean {
    return this.#cursor.peek() === LOWER_N;
  }

  /** Reads the string that `isStringNext` saw. */
  string(): string {
    return readString(this.#cursor);
  }

  /** Reads the boolean that `isBooleanNext` saw. */
  boolean(): boolean {
    return readBoolean(this.#cursor);
  }

  /** Reads the number that `isNumberNext` saw, as `Number()` would; ±Infinity where it is beyond a double. */
  number(): number {
    return readNumber(this.#cursor);
  }

  /** As `readFloats`, of the entered array. */
  floats(out: DataView, index: number, end: number, single: boolean): number {
    const next = readFloats(this.#cursor, this.#fresh, out, index, end, single);
    if (next > index) this.#fresh = false;
    return next;
  }

  /** As `readIntegers`, of the entered array. */
  integers(out: DataView, index: number, end: number, size: number, range: IntegerRange): number {
    const next = readIntegers(this.#cursor, this.#fresh, out, index, end, size, range);
    if (next > index) this.#fresh = false;
    return next;
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
    const cursor = this.#cursor;
    if (cursor.peek() !== QUOTE) cursor.failSyntax('a member name');
    const name = readString(cursor);
    if (cursor.peek() !== COLON) cursor.failSyntax("':'");
    cursor.at++;
    return name;
  }

  /** Whether another element follows, to be read; false when the array has ended. */
  nextElement(): boolean {
    return this.#next(CLOSE_ARRAY);
  }

  /** After the last value: nothing but white space. */
  end(): void {
    if (this.#cursor.peek() !== -1) this.#cursor.failSyntax('nothing more');
  }

  /** Passes over one value of any kind; as deep as the depth limit allows. */
  skip(): void {
    const byte = this.#cursor.peek();
    if (byte === QUOTE) this.string();
    else if (beginsNumber(byte)) this.number();
    else if (byte === OPEN_ARRAY) {
      this.enterArray('');
      while (this.nextElement()) this.skip();
    } else if (byte === OPEN_OBJECT) {
      this.enterObject('');
      while (this.nextMember() !== undefined) this.skip();
    } else if (beginsBoolean(byte)) this.boolean();
    else passLiteral(this.#cursor, 'null');
  }

  #enter(open: number, field: string, what: string): void {
    const cursor = this.#cursor;
    if (cursor.peek() !== open) this.fail(field, `expected ${what}, got ${cursor.describe()}`);
    if (++this.#depth > this.#maxDepth)
      throw new GatewayError(cursor.code, `body: JSON nested deeper than ${this.#maxDepth} levels`);
    cursor.at++;
    this.#fresh = true;
  }

  #next(close: number): boolean {
    const cursor = this.#cursor;
    const byte = cursor.peek();
    if (byte === close) {
      cursor.at++;
      this.#depth--;
      this.#fresh = false;
      return false;
    }
    if (this.#fresh) {
      this.#fresh = false;
      return true;
    }
    if (byte !== COMMA) cursor.failSyntax(close === CLOSE_ARRAY ? "',' or ']'" : "',' or '}'");
    cursor.at++;
    if (cursor.peek() === close) cursor.failSyntax('a value after the comma');
    return true;
  }
}
