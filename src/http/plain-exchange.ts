import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import type { Lease } from '../inference.ts';
import type { Answering } from './answering.ts';
import { byteLength } from './small-answer.ts';
import { WaitingRequest } from './waiting-request.ts';

/** What a plain exchange came on. */
export interface PlainLine {
  /** Called once at most, and never after the connection has closed. */
  write(head: string, chunks: readonly Uint8Array[], bodyBytes: number, written?: () => void): void;
}

/** One request that was read past node:http, and its answer. */
export class PlainExchange extends WaitingRequest implements Answering {
  readonly request: { readonly headers: IncomingHttpHeaders };
  readonly #line: PlainLine;

  constructor(request: { readonly headers: IncomingHttpHeaders }, line: PlainLine) {
    super();
    this.request = request;
    this.#line = line;
  }

  answer(status: number, headers: readonly string[], chunks: readonly Uint8Array[], lease?: Lease): void {
    if (!this.takesAnswer(lease)) return;
    const bytes = byteLength(chunks);
    let head = status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.#line.write(`${head}content-length: ${bytes}\r\n`, chunks, bytes, lease && (() => lease.release()));
  }
}
