import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Lease } from '../inference.ts';
import { hasLongUnreadBody, lingerThenEnd } from './linger.ts';
import { byteLength, latin1Text, SMALL_BYTES } from './small-answer.ts';
import { WaitingRequest } from './waiting-request.ts';

/** What an exchange must know of the connection it belongs to. */
export interface Surroundings {
  /** Whether this answer is the connection's last. */
  isDraining(): boolean;
  /** Called once, when the exchange is answered. */
  leave(exchange: Exchange): void;
  /** The answer that is being written is the last: what the client still sends is not to be answered again. */
  sayNoMore(): void;
  /** How long a client may accept nothing of its answer, ms. */
  readonly sendMs: number;
}

/** One request of node:http's, and its answer. */
export class Exchange extends WaitingRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #surroundings: Surroundings;
  #bodyIsRead = false;

  constructor(request: IncomingMessage, response: ServerResponse, surroundings: Surroundings) {
    super();
    this.request = request;
    this.response = response;
    this.#surroundings = surroundings;
  }

  /** Tells that the last byte of the body has come: the parser says so itself only after the answer may be written. */
  noteBodyRead(): void {
    this.#bodyIsRead = true;
  }

  /**
   * Sends the whole answer, `headers` as name, value, name, value. The chunks are handed to the socket as they are,
   * in one write; the memory of `lease` is let go when the kernel has taken all of it, or nothing will be sent.
   */
  answer(status: number, headers: string[], chunks: readonly Uint8Array[], lease?: Lease): void {
    if (!this.takesAnswer(lease)) return;
    this.#surroundings.leave(this);
    const { request, response } = this;
    const lingers = !this.#bodyIsRead && hasLongUnreadBody(request);
    if (lingers || this.#surroundings.isDraining()) response.shouldKeepAlive = false;
    const bytes = byteLength(chunks);
    headers.push('content-length', String(bytes));
    // Not at 'close': a connection that ends early leaves the memory to the garbage collector.
    if (lease !== undefined) response.once('finish', () => lease.release());
    response.writeHead(status, headers);
    if (lingers) {
      this.#surroundings.sayNoMore();
      for (let i = 0; i < chunks.length; i++) response.write(chunks[i]);
      lingerThenEnd(request, response);
    } else sendAll(response, chunks, bytes);
    this.#watchSlowReader();
  }

  #watchSlowReader(): void {
    const { socket } = this.request;
    if (socket.writableLength > 0) cutWhenStuck(socket, this.response, this.#surroundings.sendMs);
  }
}

/**
 * A client that does not take its answer holds its memory; one that goes on taking it, however slowly, may. A socket's
 * timeout is put off by every byte the kernel takes, and the server destroys a socket that times out.
 */
function cutWhenStuck(socket: Socket, response: ServerResponse, sendMs: number): void {
  socket.setTimeout(sendMs);
  // Ahead of the server's own listener, which sets the timeout of an idle connection.
  response.prependOnceListener('finish', () => socket.setTimeout(0));
}

function sendAll(response: ServerResponse, chunks: readonly Uint8Array[], bytes: number): void {
  if (bytes <= SMALL_BYTES) {
    response.end(latin1Text('', chunks), 'latin1');
  } else if (chunks.length === 1) {
    response.end(chunks[0]);
  } else {
    response.cork();
    for (let i = 0; i < chunks.length; i++) response.write(chunks[i]);
    response.end();
  }
}
