import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { type Client, Clients } from './clients.ts';
import { Exchange, type Surroundings } from './exchange.ts';

/** One request that has no answer yet. */
export interface Open {
  /** Why it is not to be served, should it be an inference; set as it comes. */
  refusal: GatewayError | undefined;
  /** The connection has closed. */
  depart(why: ErrorCode): void;
}

export interface ConnectionRules {
  /** How long a client may accept nothing of its answer, ms. */
  readonly sendMs: number;
  readonly maxRequestsPerClient: number;
  /** False: inferences on connections made now are refused. */
  readonly takesConnections: () => boolean;
}

export interface Connection {
  readonly open: Set<Open>;
  readonly client: Client;
  /** False: it was made while none were taken. */
  readonly isTaken: boolean;
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
  readonly #rules: ConnectionRules;
  readonly #clients: Clients;
  #inFlight = 0;
  #phase: 'serving' | 'leaving' | 'draining' = 'serving';

  constructor(rules: ConnectionRules) {
    this.#rules = rules;
    this.#clients = new Clients(rules.maxRequestsPerClient);
  }

  /** Requests whose answer has not been handed to their socket. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get isLeaving(): boolean {
    return this.#phase !== 'serving';
  }

  /** From now on the gateway is not ready, though everything that comes is served as ever. */
  beginLeaving(): void {
    this.#phase = 'leaving';
  }

  /** From now on every answer is its connection's last, too. */
  beginDrain(): void {
    this.#phase = 'draining';
  }

  accept(socket: Socket): Connection {
    const open = new Set<Open>();
    const isTaken = this.#rules.takesConnections();
    const surroundings: Surroundings = {
      isDraining: () => this.#phase === 'draining' || !isTaken,
      leave: exchange => this.leave(connection, exchange),
      sayNoMore: () => {
        connection.hasLastAnswer = true;
      },
      sendMs: this.#rules.sendMs,
    };
    const connection: Connection = {
      open,
      client: this.#clients.connect(socket.remoteAddress ?? ''),
      isTaken,
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
    connection.client.requests++;
    exchange.refusal = connection.isTaken ? this.#clients.refusal(connection.client) : notTaken();
  }

  /** It is answered. */
  leave(connection: Connection, exchange: Open): void {
    if (!connection.open.delete(exchange)) return;
    this.#inFlight--;
    connection.client.requests--;
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
    connection.client.requests -= connection.open.size;
    this.#clients.disconnect(connection.client);
    for (const exchange of connection.open) exchange.depart(connection.refusedAs ?? 'cancelled');
    connection.open.clear();
  }
}

function notTaken(): GatewayError {
  const message = 'the gateway is short of memory or time, and takes no new connections; try again later';
  return new GatewayError('unavailable', message, { retryAfterMs: 1000 });
}
