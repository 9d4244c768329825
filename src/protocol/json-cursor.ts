import { type ErrorCode, GatewayError } from '../errors.ts';
import { kindOfValue } from './json-bytes.ts';
import { JsonText } from './json-text.ts';

/** A place in JSON bytes, which what reads there moves on. */
export class JsonCursor {
  readonly bytes: Buffer;
  readonly text: JsonText;
  /** What errors carry. */
  readonly code: ErrorCode;
  /** Where the next byte is. */
  at = 0;
  #view: DataView | undefined;

  /** Throws an error of `code` where the bytes are not UTF-8. */
  constructor(bytes: Uint8Array, code: ErrorCode) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.code = code;
    this.text = new JsonText(this.bytes, code);
  }

  /** The bytes again, for runs of numbers; made when there is one. */
  get view(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.#view ??= new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  /** Moves on to the first byte of the next value or punctuation, and returns it; −1 at the end. */
  peek(): number {
    const { bytes } = this;
    let { at } = this;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at;
        return byte;
      }
    }
    this.at = at;
    return -1;
  }

  /** What kind of value comes next, in words for an error. */
  describe(): string {
    return kindOfValue(this.peek()) ?? this.failSyntax('a value');
  }

  failSyntax(expected: string): never {
    const found = this.at < this.bytes.length ? '' : ', but it ends there';
    throw new GatewayError(this.code, `body: invalid JSON at byte ${this.at}: expected ${expected}${found}`);
  }
}
