/**
 * Questions whose answer is themselves, kept as the bytes of whole HTTP requests: a nonce is written into them in
 * place, as building a request for each of ten million would cost more than asking it.
 */
import type { NonceReply } from './nonce-replies.ts';

export type Encoding = 'json' | 'binary';

/** One kind of question: many are asked of it, one after the other. */
export interface Kind {
  readonly model: string;
  readonly rows: number;
  /** Numbers in a row; a multiple of 4. */
  readonly width: number;
  readonly encoding: Encoding;
}

export type Verdict =
  | { readonly kind: 'own' }
  /** 429, 503, 504. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly said: string }
  /** A 200 that holds anything but the request's own rows. */
  | { readonly kind: 'foreign'; readonly said: string };

/** Whole numbers from here to 8 × that have seven digits, and are exact in FP32. */
const BASE = 1_000_000;
export const NONCES = 8 * BASE;
const DIGITS = 7;
const ID = `k${BASE}-${BASE}`;
const OWN: Verdict = { kind: 'own' };
const REFUSED: Verdict = { kind: 'refused' };

export class Question {
  readonly kind: Kind;
  readonly bytes: Buffer;
  readonly #idAt: number;
  /** Of the first number. */
  readonly #rowsAt: number;
  readonly #id = Buffer.from(`"id":"${ID}"`);

  constructor(kind: Kind) {
    this.kind = kind;
    const { bytes, rowsAt } = kind.encoding === 'json' ? jsonRequest(kind) : binaryRequest(kind);
    this.bytes = bytes;
    this.#idAt = bytes.indexOf(`"id":"`);
    this.#rowsAt = rowsAt;
  }

  /** Names the request; `asker` and `sequence` from 0 to NONCES. */
  name(asker: number, sequence: number): void {
    writeDigits(this.#id, 7, BASE + asker);
    writeDigits(this.#id, 15, BASE + sequence);
    this.bytes.set(this.#id, this.#idAt);
  }

  /** Makes the row that of `a`, `b` and `c`, each from 0 to NONCES: four numbers, again and again. */
  setRow(row: number, a: number, b: number, c: number): void {
    const { width } = this.kind;
    const from = row * width;
    for (let i = 0; i < width; i += 4) {
      this.#set(from + i, a);
      this.#set(from + i + 1, b);
      this.#set(from + i + 2, c);
      this.#set(from + i + 3, (a + b + c + i) % NONCES);
    }
  }

  #set(index: number, nonce: number): void {
    if (this.kind.encoding === 'json')
      writeDigits(this.bytes, this.#rowsAt + index * (DIGITS + 1), BASE + nonce);
    else this.bytes.writeFloatLE(BASE + nonce, this.#rowsAt + index * 4);
  }

  judge(reply: NonceReply): Verdict {
    const { status, body } = reply;
    if (status === 429 || status === 503 || status === 504) return REFUSED;
    if (status !== 200) return { kind: 'failed', said: `${status}: ${body.toString('latin1', 0, 300)}` };
    const said = this.#difference(reply);
    return said === undefined ? OWN : { kind: 'foreign', said };
  }

  #difference({ body, jsonLength }: NonceReply): string | undefined {
    const json = jsonLength ?? body.length;
    const idAt = body.indexOf(this.#id);
    if (idAt < 0 || idAt >= json) return `another’s id: ${body.toString('latin1', 0, Math.min(json, 200))}`;
    return this.kind.encoding === 'json' ? this.#jsonDifference(body) : this.#binaryDifference(body, json);
  }

  #jsonDifference(body: Buffer): string | undefined {
    const { rows, width } = this.kind;
    const length = rows * width * (DIGITS + 1) - 1;
    const found = body.indexOf('"data":[');
    const at = found + 8;
    const isOwn =
      found >= 0 &&
      body[at + length] === 0x5d &&
      this.bytes.compare(body, at, at + length, this.#rowsAt, this.#rowsAt + length) === 0;
    return isOwn ? undefined : `rows ${body.toString('latin1', at, at + 120)}, not ${this.#shown(120)}`;
  }

  #binaryDifference(body: Buffer, json: number): string | undefined {
    const { rows, width } = this.kind;
    const length = rows * width * 4;
    const at = this.#rowsAt;
    if (body.length - json === length && this.bytes.compare(body, json, body.length, at, at + length) === 0)
      return undefined;
    const numbers = Array.from({ length: Math.min(8, (body.length - json) >> 2) }, (_, i) =>
      body.readFloatLE(json + i * 4),
    );
    return `${body.length - json} bytes of rows ${numbers}, not ${length} of ${this.bytes.readFloatLE(at)} …`;
  }

  #shown(length: number): string {
    return this.bytes.toString('latin1', this.#rowsAt, this.#rowsAt + length);
  }
}

function jsonRequest({ model, rows, width }: Kind) {
  const data = Array<string>(rows * width).fill(String(BASE));
  const inputs = `"inputs":[{"name":"x","shape":[${rows},${width}],"datatype":"FP32","data":[`;
  const start = `{"id":"${ID}",${inputs}`;
  const body = `${start}${data}]}]}`;
  const head = headOf(model, body.length, ['content-type: application/json']);
  return { bytes: Buffer.from(head + body, 'latin1'), rowsAt: head.length + start.length };
}

function binaryRequest({ model, rows, width }: Kind) {
  const size = rows * width * 4;
  const input = `{"name":"x","shape":[${rows},${width}],"datatype":"FP32","parameters":{"binary_data_size":${size}}}`;
  const json = `{"id":"${ID}","inputs":[${input}],"parameters":{"binary_data_output":true}}`;
  const head = headOf(model, json.length + size, [
    'content-type: application/octet-stream',
    `inference-header-content-length: ${json.length}`,
  ]);
  const bytes = Buffer.concat([Buffer.from(head + json, 'latin1'), Buffer.alloc(size)]);
  return { bytes, rowsAt: head.length + json.length };
}

function headOf(model: string, length: number, headers: readonly string[]): string {
  const lines = ['host: 127.0.0.1', ...headers, `content-length: ${length}`];
  return `POST /v2/models/${model}/infer HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

function writeDigits(bytes: Buffer, at: number, value: number): void {
  let rest = value;
  for (let i = DIGITS - 1; i >= 0; i--) {
    bytes[at + i] = 0x30 + (rest % 10);
    rest = Math.trunc(rest / 10);
  }
}
