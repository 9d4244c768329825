import { isUtf8 } from 'node:buffer';
import { NUMBER_BYTES, writeAscii, writeInteger } from './number-text.ts';

/** Characters that stand for themselves between quotes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** JSON text as it grows, in one buffer that doubles as it fills. Punctuation is the caller's. */
export class JsonWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  /** ASCII that needs no escape: punctuation and member names. */
  raw(text: string): void {
    this.#reserve(text.length);
    this.#at = writeAscii(this.#buffer, this.#at, text);
  }

  string(text: string): void {
    if (PLAIN.test(text)) {
      this.raw('"');
      this.raw(text);
      this.raw('"');
      return;
    }
    const quoted = JSON.stringify(text);
    this.#reserve(quoted.length * 3);
    this.#at += this.#buffer.write(quoted, this.#at, 'utf8');
  }

  /** `bytes` as a JSON string; false, and nothing written, where they are not valid UTF-8. */
  utf8(bytes: Uint8Array): boolean {
    if (!isUtf8(bytes)) return false;
    this.string(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return true;
  }

  integer(value: number): void {
    this.#reserve(NUMBER_BYTES);
    this.#at = writeInteger(this.#buffer, this.#at, value);
  }

  integers(values: readonly number[]): void {
    this.raw('[');
    for (let i = 0; i < values.length; i++) {
      if (i > 0) this.raw(',');
      this.integer(values[i] as number);
    }
    this.raw(']');
  }

  /** Room for `bytes` more, to be written by a function that returns the place after. */
  write(bytes: number, writer: (out: Uint8Array, at: number) => number): void {
    this.#reserve(bytes);
    this.#at = writer(this.#buffer, this.#at);
  }

  /** What was written, with spaces to a multiple of `align` bytes: a tensor behind it can be viewed without a copy. */
  finish(align = 1): Uint8Array {
    const padding = (align - (this.#at % align)) % align;
    this.#reserve(padding);
    this.#buffer.fill(0x20, this.#at, this.#at + padding);
    return this.#buffer.subarray(0, this.#at + padding);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
