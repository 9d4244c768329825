/** One connection that holds a place and gives the gateway little to do: idle, silent, or slow to send or to read. */
import { connect, type Socket } from 'node:net';
import type { Address } from '../../src/load/connection.ts';

export const GUEST_KINDS = ['idle', 'silent', 'head', 'body', 'reader'] as const;

/**
 * `idle` had an answer and asks no more; `silent` never sends a byte; `head` and `body` stop there, and go on by one
 * byte a `trickle`; `reader` asks for more than the kernel holds and takes a little of it a `trickle`.
 */
export type GuestKind = (typeof GUEST_KINDS)[number];

/** Each kind comes from an address of its own, by which its sockets are told apart in /proc. */
export function addressOf(kind: GuestKind): string {
  return `127.0.1.${1 + GUEST_KINDS.indexOf(kind)}`;
}

export interface Requests {
  /** Asked once by those that idle. */
  readonly small: Buffer;
  /** Asked by readers. */
  readonly large: Buffer;
}

const READ_BYTES = 4096;

export class Guest {
  readonly kind: GuestKind;
  readonly #socket: Socket;
  #hasLeft = false;

  /** `settled` is called once it is in its place, `ended` when the gateway, or the kernel, ended it. */
  constructor(
    kind: GuestKind,
    { host, port }: Address,
    requests: Requests,
    on: { settled: () => void; ended: () => void },
  ) {
    this.kind = kind;
    const socket = connect({ host, port, localAddress: addressOf(kind), noDelay: true });
    this.#socket = socket;
    socket.once('connect', () => this.#begin(requests, on.settled));
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.once('close', () => {
      if (!this.#hasLeft) on.ended();
    });
  }

  /** What it sends or reads at last. */
  trickle(): void {
    if (this.#socket.destroyed) return;
    if (this.kind === 'head') this.#socket.write('a');
    else if (this.kind === 'body') this.#socket.write(' ');
    else if (this.kind === 'reader') this.#socket.read(READ_BYTES);
  }

  leave(): void {
    this.#hasLeft = true;
    this.#socket.resetAndDestroy();
  }

  #begin({ small, large }: Requests, settled: () => void): void {
    const socket = this.#socket;
    if (this.kind === 'idle') {
      // A small answer comes in one piece.
      socket.once('data', settled);
      socket.write(small);
      return;
    }
    if (this.kind === 'head')
      socket.write('POST /v2/models/other/infer HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ');
    else if (this.kind === 'body') socket.write(small.subarray(0, small.indexOf('\r\n\r\n') + 5));
    if (this.kind === 'reader') {
      // The first of its answer: the rest stands in the kernel and the gateway.
      socket.once('readable', settled);
      socket.write(large);
    } else {
      // So that what ends it is seen.
      socket.resume();
      settled();
    }
  }
}
