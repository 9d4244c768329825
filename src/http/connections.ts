import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../errors.ts';
import { Exchange, type Surroundings } from './exchange.ts';

/** One request that has no answer yet. */
export interface Open {
  /** The connection has closed. */
  depart(why: ErrorCode): void;
}

export interface Connection {
  readonly open: Set<Open>;
  readonly surroundings: Surroundings;
  /** Set when the server gave up on the connection: its bytes were malformed or late. */
  refusedAs: ErrorCode | undefined;
  /** Its last answer is written, though the client still sends. */
  hasLastAnswer: boolean;
  /** A request that node:http knows nothing of waits for its answer: the connection is not as idle as that believes. */
  waitsUnseen: boolean;
  /** Its reads are looked at before node:http gets them, or were. */
  isPlain: boolean;
}

/**
 * The clients' connections and the requests open on each. A connection is listed from its accept, or its first
 * request, to its close; closing departs every exchange still open on it, pipelined ones included.
 */
export class Connections {
  readonly #bySocket = new Map<Socket, Connection>();
  readonly #sendMs: number;
  #inFlight = 0;
  #draining = false;

  constructor(sendMs: number) {
    this.#sendMs = sendMs;
  }

  /** Requests whose answer has not been handed to their socket. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** From now on every answer is its connection's last. */
  beginDrain(): void {
    this.#draining = true;
  }

  accept(socket: Socket): Connection {
    const open = new Set<Open>();
    const surroundings: Surroundings = {
      isDraining: () => this.#draining,
      leave: exchange => this.leave(connection, exchange),
      sayNoMore: () => {
        connection.hasLastAnswer = true;
      },
      sendMs: this.#sendMs,
    };
    const connection: Connection = {
      open,
      surroundings,
      refusedAs: undefined,
      hasLastAnswer: false,
      waitsUnseen: false,
      isPlain: false,
    };
    this.#bySocket.set(socket, connection);
    socket.once('close', () => this.#forget(socket, connection));
    return connection;
  }

  open(request: IncomingMessage, response: ServerResponse): Exchange {
    const connection = this.#bySocket.get(request.socket) ?? this.accept(request.socket);
    const exchange = new Exchange(request, response, connection.surroundings);
    this.enter(connection, exchange);
    return exchange;
  }

  /** One more request on the connection, until its `leave`. */
  enter(connection: Connection, exchange: Open): void {
    connection.open.add(exchange);
    this.#inFlight++;
  }

  /** It is answered. */
  leave(connection: Connection, exchange: Open): void {
    if (connection.open.delete(exchange)) this.#inFlight--;
  }

  /** Undefined once it has closed. */
  of(socket: Socket): Connection | undefined {
    return this.#bySocket.get(socket);
  }

  /** Whether node:http would take one for idle that waits for an answer, or has not got all of it yet. */
  get someOnlySeemIdle(): boolean {
    for (const [socket, { waitsUnseen }] of this.#bySocket) {
      if (waitsUnseen || (socket.writableLength > 0 && !socket.destroyed)) return true;
    }
    return false;
  }

  /** Notes why the connection ends; false when it was already refused, or has had its last answer. */
  refuse(socket: Socket, code: ErrorCode): boolean {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined || connection.hasLastAnswer || connection.refusedAs !== undefined)
      return false;
    connection.refusedAs = code;
    return true;
  }

  /** Destroys connections that have never sent a byte: nothing of theirs can be lost. */
  closeSilent(): void {
    for (const socket of this.#bySocket.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  #forget(socket: Socket, connection: Connection): void {
    this.#bySocket.delete(socket);
    this.#inFlight -= connection.open.size;
    for (const exchange of connection.open) exchange.depart(connection.refusedAs ?? 'cancelled');
    connection.open.clear();
  }
}
