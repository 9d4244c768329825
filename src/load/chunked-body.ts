import { ReplyError } from './reply-error.ts';

const MAX_LINE_BYTES = 1024;

/** A body in `transfer-encoding: chunked`: some servers answer so. Trailers are refused. */
export class ChunkedBody {
  readonly #maxBytes: number;
  readonly #parts: Buffer[] = [];
  #size = 0;
  /** Bytes of the current chunk still to come, its closing line end included; 0: a size line is next. */
  #left = 0;
  #line = '';
  #isLast = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True once the body is whole. Copies what it keeps. Throws ReplyError. */
  read(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        at = this.#take(bytes, at);
        if (this.#isLast && this.#left === 0) {
          if (at < bytes.length) throw new ReplyError('bytes behind the answer');
          return true;
        }
      } else at = this.#readLine(bytes, at);
    }
    return false;
  }

  body(): Buffer {
    return Buffer.concat(this.#parts, this.#size);
  }

  #take(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    const data = Math.min(end, at + Math.max(0, this.#left - 2));
    if (data > at) {
      this.#parts.push(Buffer.from(bytes.subarray(at, data)));
      this.#size += data - at;
    }
    this.#left -= end - at;
    return end;
  }

  #readLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(0x0a, at);
    this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end);
    if (this.#line.length > MAX_LINE_BYTES) throw new ReplyError('a chunk without a size');
    if (end < 0) return bytes.length;
    const size = /^[0-9a-f]{1,8}(?=[;\r])/i.exec(this.#line)?.[0];
    if (size === undefined) throw new ReplyError('a chunk without a size');
    this.#line = '';
    this.#left = Number.parseInt(size, 16) + 2;
    this.#isLast = this.#left === 2;
    if (this.#size + this.#left > this.#maxBytes + 2)
      throw new ReplyError(`an answer of more than ${this.#maxBytes} bytes`);
    return end + 1;
  }
}
