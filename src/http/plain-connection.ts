/**
 * Inference in its plainest form, read and answered past node:http, whose objects, streams and events were more than a
 * third of a row's CPU in the gateway: 77.7 → 50.6 µs on its main thread.
 *
 * The connection stays node:http's: its timeouts, its limits and its end. Only what node:http would be given is looked
 * at first, once a small inference has been answered on it; large bodies node:http reads by itself, for a fifth less.
 * The next request is node:http's too, and proves that it stands between two requests. After that one that is whole,
 * plain (`plain-head.ts`), alone in its read and alone on its connection is answered here; others are handed on as long
 * as it is certain where they end; with the first bytes of which that is not certain the connection is node:http's alone
 * for good.
 */
import type { Socket } from 'node:net';
import type { Connection, Connections } from './connections.ts';
import { dateNow } from './date-now.ts';
import { InferCall } from './infer.ts';
import { PlainExchange, type PlainLine } from './plain-exchange.ts';
import { type PlainHead, parsePlainHead, sameHead } from './plain-head.ts';
import type { Plane } from './plane.ts';
import { latin1Text, SMALL_BYTES } from './small-answer.ts';

/** Of a body: with its head it must come in one read. */
export const MAX_PLAIN_BYTES = 64 * 1024;

const NO_BYTES = Buffer.alloc(0);

type Read = (chunk: Buffer) => void;

export class PlainConnection implements PlainLine {
  readonly #plane: Plane;
  readonly #socket: Socket;
  readonly #connection: Connection;
  readonly #connections: Connections;
  /** node:http's own listener. */
  readonly #http: Read;
  /** Of the request that node:http is reading: bytes still to come. */
  #owed = 0;
  /** node:http has been given a whole request, and took it for one. */
  #isProven = false;
  #head: PlainHead | undefined;
  #exchange: PlainExchange | undefined;
  #held: Buffer | undefined;

  private constructor(plane: Plane, socket: Socket, connection: Connection, http: Read) {
    this.#plane = plane;
    this.#connections = plane.connections;
    this.#socket = socket;
    this.#connection = connection;
    this.#http = http;
    socket.removeListener('data', http);
    socket.on('data', this.#read);
  }

  /** After an answer. No-op where this has begun already, or node:http does not read the socket as expected. */
  static begin(plane: Plane, socket: Socket): void {
    const connection = plane.connections.of(socket);
    if (connection === undefined || connection.isPlain || connection.open.size > 0) return;
    const [http, ...others] = socket.listeners('data');
    if (http === undefined || others.length > 0) return;
    connection.isPlain = true;
    new PlainConnection(plane, socket, connection, http as Read);
  }

  readonly #read = (chunk: Buffer): void => {
    if (this.#exchange !== undefined) this.#hold(chunk);
    else if (this.#owed > 0) this.#pass(chunk, this.#owed);
    else this.#begin(chunk);
  };

  #begin(chunk: Buffer): void {
    const head = this.#headOf(chunk);
    const { maxHeaderBytes } = this.#plane.options.limits;
    if (head === undefined || head.bodyBytes > MAX_PLAIN_BYTES || head.headBytes > maxHeaderBytes) {
      this.#leave(chunk);
      return;
    }
    const bytes = head.headBytes + head.bodyBytes;
    if (!this.#isProven) this.#prove(chunk, bytes);
    else if (chunk.length === bytes && this.#mayAnswer(head))
      this.#serve(head, chunk.subarray(head.headBytes));
    else this.#pass(chunk, bytes);
  }

  /** What it had read before might have been the beginning of a request, of which this would then be a part. */
  #prove(chunk: Buffer, bytes: number): void {
    const { open } = this.#connection;
    if (chunk.length !== bytes || open.size > 0) {
      this.#leave(chunk);
      return;
    }
    this.#http(chunk);
    // At once: a request is announced with its head.
    if (open.size === 1) this.#isProven = true;
    else this.#leave(NO_BYTES);
  }

  #headOf(chunk: Buffer): PlainHead | undefined {
    const same = this.#head && sameHead(this.#head, chunk);
    if (same !== undefined) return same;
    this.#head = parsePlainHead(chunk);
    return this.#head;
  }

  #mayAnswer({ bodyBytes }: PlainHead): boolean {
    const { open, refusedAs, hasLastAnswer } = this.#connection;
    const isAlone = open.size === 0 && refusedAs === undefined && !hasLastAnswer;
    const { maxBodyBytes } = this.#plane.options.limits;
    return isAlone && this.#socket.writable && this.#socket.writableLength === 0 && bodyBytes <= maxBodyBytes;
  }

  /** To node:http, of which `due` bytes are expected before the next head. */
  #pass(chunk: Buffer, due: number): void {
    if (chunk.length > due) {
      this.#leave(chunk);
      return;
    }
    this.#owed = due - chunk.length;
    this.#http(chunk);
  }

  /** node:http reads the rest itself. */
  #leave(chunk: Buffer): void {
    this.#socket.removeListener('data', this.#read);
    this.#socket.on('data', this.#http);
    if (chunk.length > 0) this.#http(chunk);
  }

  #serve(head: PlainHead, body: Buffer): void {
    const exchange = new PlainExchange(head, this);
    this.#exchange = exchange;
    this.#connection.waitsUnseen = true;
    this.#connections.enter(this.#connection, exchange);
    new InferCall(this.#plane, exchange).runWhole(head.named, head.infer, body);
  }

  /** Pipelined: it waits for its turn unread. */
  #hold(chunk: Buffer): void {
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#socket.pause();
  }

  write(head: string, chunks: readonly Uint8Array[], bodyBytes: number, written?: () => void): void {
    const socket = this.#socket;
    const { surroundings } = this.#connection;
    if (this.#exchange !== undefined) this.#connections.leave(this.#connection, this.#exchange);
    this.#exchange = undefined;
    this.#connection.waitsUnseen = false;
    const isLast = surroundings.isDraining();
    const { keepAliveMs } = this.#plane.options.timeouts;
    const kept = isLast ? 'close' : `keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}`;
    const text = `${head}Date: ${dateNow()}\r\nConnection: ${kept}\r\n\r\n`;
    if (socket.writable) sendAll(socket, text, chunks, bodyBytes, written);
    if (isLast) socket.destroySoon();
    else this.#goOn();
  }

  #goOn(): void {
    const socket = this.#socket;
    if (socket.writableNeedDrain) this.#cutWhenStuck();
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    socket.resume();
    this.#read(held);
  }

  /** As with answers through node:http: a client may take its answer slowly, but not stand still for long. */
  #cutWhenStuck(): void {
    const socket = this.#socket;
    const { keepAliveMs } = this.#plane.options.timeouts;
    socket.setTimeout(this.#connection.surroundings.sendMs);
    // A request that came meanwhile has times of its own.
    socket.once('drain', () => {
      if (this.#connection.open.size === 0) socket.setTimeout(keepAliveMs);
    });
  }
}

function sendAll(
  socket: Socket,
  head: string,
  chunks: readonly Uint8Array[],
  bodyBytes: number,
  written: (() => void) | undefined,
): void {
  if (bodyBytes <= SMALL_BYTES) {
    socket.write(latin1Text(head, chunks), 'latin1');
    written?.();
    return;
  }
  socket.cork();
  socket.write(head, 'latin1');
  for (let i = 0; i + 1 < chunks.length; i++) socket.write(chunks[i] as Uint8Array);
  // A connection that breaks leaves the memory to the garbage collector.
  socket.write(chunks.at(-1) as Uint8Array, error => error ?? written?.());
  socket.uncork();
}
