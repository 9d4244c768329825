import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { type ErrorCode, GatewayError } from '../errors.ts';
import type { Lease } from '../inference.ts';
import type { Answering } from './answering.ts';
import { byteLength } from './small-answer.ts';

/** What a plain exchange came on. */
export interface PlainLine {
  /** Called once at most, and never after the connection has closed. */
  write(head: string, chunks: readonly Uint8Array[], bodyBytes: number, written?: () => void): void;
}

type State = { readonly kind: 'open' | 'answered' } | { readonly kind: 'gone'; readonly why: ErrorCode };

const OPEN: State = { kind: 'open' };
const ANSWERED: State = { kind: 'answered' };

/** One request that was read past node:http, and its answer. `open` until `answered`, once, or `gone`. */
export class PlainExchange implements Answering {
  readonly request: { readonly headers: IncomingHttpHeaders };
  readonly startedAt = performance.now();
  readonly #line: PlainLine;
  #state: State = OPEN;
  #onGone: (() => void) | undefined;

  constructor(request: { readonly headers: IncomingHttpHeaders }, line: PlainLine) {
    this.request = request;
    this.#line = line;
  }

  get goneBecause(): ErrorCode | undefined {
    return this.#state.kind === 'gone' ? this.#state.why : undefined;
  }

  goneError(): GatewayError {
    return new GatewayError(this.goneBecause ?? 'cancelled', 'the client has gone');
  }

  whenGone(listener: () => void): void {
    this.#onGone = listener;
  }

  /** The connection has closed. */
  depart(why: ErrorCode): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'gone', why };
    this.#onGone?.();
  }

  answer(status: number, headers: readonly string[], chunks: readonly Uint8Array[], lease?: Lease): void {
    if (this.#state.kind !== 'open') {
      lease?.release();
      return;
    }
    this.#state = ANSWERED;
    const bytes = byteLength(chunks);
    let head = status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.#line.write(`${head}content-length: ${bytes}\r\n`, chunks, bytes, lease && (() => lease.release()));
  }
}
