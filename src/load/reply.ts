/** One HTTP/1.1 answer, read with as little work as keeps it correct: the generator shares cores with what it measures. */
import { ChunkedBody } from './chunked-body.ts';
import { ReplyError } from './reply-error.ts';

export const DEFAULT_MAX_REPLY_BYTES = 256 * 2 ** 20;
const MAX_HEAD_BYTES = 64 * 1024;

/** An answer; `body` is valid only while the callback it was handed to runs. */
export class Reply {
  readonly status: number;
  readonly body: Buffer;
  /** The head as it came, lower-cased, from the first header's `\r\n` to before the empty line. */
  readonly #head: string;

  constructor(status: number, head: string, body: Buffer) {
    this.status = status;
    this.#head = head;
    this.body = body;
  }

  /** A header's value, lower-cased; `name` in lower case. */
  header(name: string): string | undefined {
    return headerOf(this.#head, name);
  }
}

interface Head {
  readonly status: number;
  readonly text: string;
  readonly end: number;
  readonly body: { readonly length: number } | 'chunked';
}

const NO_BYTES = Buffer.alloc(0);

/** Reads the answers of one connection, one after the other. */
export class ReplyReader {
  readonly #maxBytes: number;
  #head: Head | undefined;
  /** Bytes of a head that came in pieces. */
  #held = NO_BYTES;
  #body: Buffer = NO_BYTES;
  /** Memory of bodies, used again: 1 MB anew for each answer had the collector stop the generator for 6 to 16 ms. */
  #memory: Buffer = NO_BYTES;
  #filled = 0;
  #chunks: ChunkedBody | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes what arrived; gives the answer once it is whole. `bytes` may be overwritten afterwards. Throws ReplyError. */
  read(bytes: Buffer): Reply | undefined {
    const head = this.#head;
    return head === undefined ? this.#readHead(bytes) : this.#readBody(head, bytes);
  }

  #readHead(bytes: Buffer): Reply | undefined {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const head = readHead(all, this.#maxBytes);
    if (head === undefined) {
      this.#held = Buffer.from(all);
      return undefined;
    }
    this.#held = NO_BYTES;
    if (head.body === 'chunked') this.#chunks = new ChunkedBody(this.#maxBytes);
    else if (all.length === head.end + head.body.length)
      return new Reply(head.status, head.text, all.subarray(head.end));
    else this.#body = this.#take(head.body.length);
    this.#head = head;
    return this.#readBody(head, all.subarray(head.end));
  }

  #take(length: number): Buffer {
    if (this.#memory.length < length) this.#memory = Buffer.allocUnsafeSlow(length);
    return this.#memory.subarray(0, length);
  }

  #readBody(head: Head, bytes: Buffer): Reply | undefined {
    const chunks = this.#chunks;
    if (chunks !== undefined) return chunks.read(bytes) ? this.#finish(head, chunks.body()) : undefined;
    if (this.#filled + bytes.length > this.#body.length)
      throw new ReplyError('more bytes than content-length says');
    this.#body.set(bytes, this.#filled);
    this.#filled += bytes.length;
    return this.#filled < this.#body.length ? undefined : this.#finish(head, this.#body);
  }

  #finish(head: Head, body: Buffer): Reply {
    this.#head = undefined;
    this.#chunks = undefined;
    this.#body = NO_BYTES;
    this.#filled = 0;
    return new Reply(head.status, head.text, body);
  }
}

function readHead(bytes: Buffer, maxBytes: number): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    if (bytes.length > MAX_HEAD_BYTES) throw new ReplyError(`a head of more than ${MAX_HEAD_BYTES} bytes`);
    return undefined;
  }
  const all = bytes.toString('latin1', 0, end).toLowerCase();
  const status = Number(all.slice(9, 12));
  if (!all.startsWith('http/1.1 ') || !(status >= 200)) throw new ReplyError('not an HTTP/1.1 answer');
  const text = all.slice(all.indexOf('\r\n'));
  const length = headerOf(text, 'content-length');
  if (length === undefined && headerOf(text, 'transfer-encoding') === 'chunked')
    return { status, text, end: end + 4, body: 'chunked' };
  if (length === undefined || !/^\d{1,15}$/.test(length)) throw new ReplyError('an answer of unknown length');
  if (Number(length) > maxBytes) throw new ReplyError(`an answer of more than ${maxBytes} bytes`);
  return { status, text, end: end + 4, body: { length: Number(length) } };
}

function headerOf(head: string, name: string): string | undefined {
  const at = head.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const from = at + name.length + 3;
  const to = head.indexOf('\r\n', from);
  return head.slice(from, to < 0 ? undefined : to).trim();
}
