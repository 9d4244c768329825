/**
 * One connection of the gateway. Inference as the gateway sends it (`infer-head.ts`) is read here, tensors from the
 * kernel straight into their slot, and answered with one write; at the first request that is anything else the
 * connection goes to node:http for good. For a body of 200 KB that takes 49 µs of CPU on this side of the socket instead
 * of node:http's 166, for 3 KB 13 instead of 34: no stream, no objects of a request, and no 64 KB of new memory a read.
 *
 * idle → receiving (may be paused: waiting for a slot) → running → answered → idle; or handed over; or closed.
 */
import { type Server, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { joined, type LineAnswer } from './answer.ts';
import { InferExchange, type Line } from './infer-exchange.ts';
import { type InferHead, parseInferHead } from './infer-head.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { Models } from './models.ts';

/** What is read when nothing says where to. Shared: a read is dealt with before the next one begins. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

/** Looks at the first bytes of a connection just accepted to see whose it is. */
export function acceptConnection(accepted: Socket, models: Models, http: Server): void {
  accepted.on('error', () => undefined);
  accepted.once('data', (first: Buffer) => {
    // Only a socket made here can read into memory of ours; its handle has no public name. Without it, node:http serves.
    const { _handle: handle } = accepted as unknown as { _handle?: unknown };
    if (handle && parseInferHead(first) !== undefined) {
      // Or it would go on reading, by itself, what is read here.
      (accepted as unknown as { _handle: unknown })._handle = null;
      new InferConnection(handle, models, http).begin(first);
      return;
    }
    giveTo(http, accepted, first);
  });
}

/** node:http listens from now on, and gets what was read before. */
function giveTo(http: Server, socket: Socket, read: Buffer): void {
  http.emit('connection', socket);
  socket.emit('data', read);
}

class InferConnection implements Line {
  readonly #socket: Socket;
  readonly #models: Models;
  readonly #http: Server;
  #exchange: InferExchange | undefined;
  /** Of the present request's body. */
  #remaining = 0;
  /** All of it was received, and the exchange knows. */
  #complete = false;
  /** The exchange waits for a slot. */
  #paused = false;
  /** What came while nothing could take it: one read, and what was under way when reading stopped. */
  #held: Buffer | undefined;

  constructor(handle: unknown, models: Models, http: Server) {
    this.#models = models;
    this.#http = http;
    const onread = {
      buffer: () => this.#room(),
      callback: (bytes: number, buffer: Uint8Array) => this.#read(bytes, buffer),
    };
    this.#socket = new Socket({ handle, onread } as object);
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#exchange?.closed();
      this.#exchange = undefined;
    });
  }

  /** With what was read before. */
  begin(first: Buffer): void {
    this.#take(first);
    // The handle has been reading since it was accepted.
    if (this.#reads) this.#socket.resume();
    else this.#socket.pause();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#continue();
  }

  answer(answer: LineAnswer): void {
    this.#exchange = undefined;
    this.#paused = false;
    this.#write(answer);
    this.#continue();
  }

  #continue(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#take(held);
    else if (this.#exchange !== undefined) this.#advance();
    if (this.#reads) this.#socket.resume();
  }

  /** With the whole body here it reads on, to see the client go. */
  get #reads(): boolean {
    return this.#held === undefined && (this.#remaining === 0 || !this.#paused);
  }

  #room(): Uint8Array {
    return this.#exchange?.room() ?? SCRATCH;
  }

  /** False stops reading until `resume`. */
  #read(bytes: number, buffer: Uint8Array): boolean {
    if (buffer === SCRATCH) this.#take(SCRATCH.subarray(0, bytes));
    else {
      this.#exchange?.filled(bytes);
      this.#remaining -= bytes;
      this.#advance();
    }
    return this.#reads;
  }

  #take(bytes: Buffer): void {
    if (this.#exchange === undefined) {
      this.#begin(bytes);
      return;
    }
    const ours = this.#paused ? 0 : Math.min(this.#remaining, bytes.length);
    if (ours < bytes.length) {
      const more = bytes.subarray(ours);
      this.#held = this.#held === undefined ? Buffer.from(more) : Buffer.concat([this.#held, more]);
    }
    this.#remaining -= ours;
    if (ours > 0) this.#exchange.receive(bytes.subarray(0, ours));
    this.#advance();
  }

  #begin(bytes: Buffer): void {
    const head = parseInferHead(bytes);
    const model = head && this.#modelOf(head);
    if (head === undefined || model === undefined) {
      this.#handOver(bytes);
      return;
    }
    this.#exchange = new InferExchange(model, this, head.bodyBytes, head.headerBytes);
    this.#remaining = head.bodyBytes;
    this.#complete = false;
    if (bytes.length > head.end) this.#take(bytes.subarray(head.end));
  }

  #modelOf({ model, version }: InferHead): LoadedModel | undefined {
    try {
      return this.#models.get(model, version);
    } catch {
      return undefined;
    }
  }

  #advance(): void {
    if (this.#remaining > 0 || this.#paused || this.#complete) return;
    this.#complete = true;
    this.#exchange?.received();
  }

  #handOver(bytes: Buffer): void {
    giveTo(this.#http, this.#socket, Buffer.from(bytes));
  }

  #write(answer: LineAnswer): void {
    const { status, headers, chunks, inSlot } = answer;
    let text = status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
    const head = Buffer.from(`${text}\r\n`, 'latin1');
    if (inSlot) {
      this.#socket.write(joined(head, answer));
      return;
    }
    this.#socket.cork();
    this.#socket.write(head);
    for (const chunk of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
  }
}
