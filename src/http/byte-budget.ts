import { GatewayError } from '../errors.ts';

/**
 * The memory of request bodies, over all connections. Bytes are taken as they arrive and not as they are announced,
 * so that silent senders of large announcements hold nothing; an announcement that cannot fit is refused at once.
 */
export class ByteBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Throws `overloaded` when `bytes` more would not fit now. Takes nothing. */
  expect(bytes: number): void {
    if (this.#heldBytes + bytes > this.#maxBytes) {
      throw new GatewayError('overloaded', 'too many bytes of request bodies in memory; try again later');
    }
  }

  /** Takes `bytes`, or throws `overloaded`. */
  take(bytes: number): void {
    this.expect(bytes);
    this.#heldBytes += bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    if (this.#heldBytes < 0) throw new Error('this is a bug: more bytes released than taken');
  }
}

/** One request's share of the budget. It is given back once, whole. */
export class Reservation {
  readonly #budget: ByteBudget;
  #bytes = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  expect(bytes: number): void {
    this.#budget.expect(bytes);
  }

  take(bytes: number): void {
    this.#budget.take(bytes);
    this.#bytes += bytes;
  }

  release(): void {
    this.#budget.release(this.#bytes);
    this.#bytes = 0;
  }
}
