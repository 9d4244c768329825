import { isAscii, isUtf8 } from 'node:buffer';
import { type ErrorCode, GatewayError } from '../errors.ts';

/** Slicing text costs 20 ns, decoding a slice of bytes 140: what is small, or sliced often, is held as text too. */
const SMALL_BYTES = 4096;
const MANY_SLICES = 64;
/** Above this, the body is not held a second time as text. */
const MAX_TEXT_BYTES = 2 ** 20;

/** The strings within JSON bytes. Throws an error of `code` where the bytes are not UTF-8. */
export class JsonText {
  readonly #bytes: Buffer;
  readonly #isAscii: boolean;
  #text: string | undefined;
  #slices = 0;

  constructor(bytes: Buffer, code: ErrorCode) {
    this.#bytes = bytes;
    this.#isAscii = isAscii(bytes);
    if (!this.#isAscii && !isUtf8(bytes)) throw new GatewayError(code, 'body: the JSON is not valid UTF-8');
    if (this.#isAscii && bytes.length <= SMALL_BYTES) this.#text = bytes.toString('latin1');
  }

  /** The characters of the bytes from `start` to `end`. */
  slice(start: number, end: number): string {
    if (this.#text !== undefined) return this.#text.slice(start, end);
    if (++this.#slices === MANY_SLICES && this.#isAscii && this.#bytes.length <= MAX_TEXT_BYTES)
      this.#text = this.#bytes.toString('latin1');
    return this.#bytes.toString('utf8', start, end);
  }

  /** The string whose quotes are at `start` and before `end`; undefined where it is not one, or has no UTF-8 form. */
  unescape(start: number, end: number): string | undefined {
    try {
      const text = JSON.parse(this.slice(start, end)) as string;
      return text.isWellFormed() ? text : undefined;
    } catch {
      return undefined;
    }
  }
}
