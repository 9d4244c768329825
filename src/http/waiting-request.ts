import { type ErrorCode, GatewayError } from '../errors.ts';
import type { Lease } from '../inference.ts';

type State = { readonly kind: 'open' | 'answered' } | { readonly kind: 'gone'; readonly why: ErrorCode };

const OPEN: State = { kind: 'open' };
const ANSWERED: State = { kind: 'answered' };

/**
 * One request that has no answer yet. It is `open` until it is `answered`, once, or its connection closes: `gone`. An
 * answer to one that is not open is dropped, so that nobody has to ask before answering.
 */
export abstract class WaitingRequest {
  readonly startedAt = performance.now();
  /** See `Open`. */
  refusal: GatewayError | undefined;
  #state: State = OPEN;
  #onGone: (() => void) | undefined;

  /** Why nobody waits for the answer any more; undefined while somebody does. */
  get goneBecause(): ErrorCode | undefined {
    return this.#state.kind === 'gone' ? this.#state.why : undefined;
  }

  /** The same as an error. */
  goneError(): GatewayError {
    return new GatewayError(this.goneBecause ?? 'cancelled', 'the client has gone');
  }

  /** Calls `listener` when the client leaves before its answer; the latest listener holds. */
  whenGone(listener: () => void): void {
    this.#onGone = listener;
  }

  /** The connection has closed. */
  depart(why: ErrorCode): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'gone', why };
    this.#onGone?.();
  }

  /** Whether this answer is to be sent, once; the memory of one that is not is let go. */
  protected takesAnswer(lease: Lease | undefined): boolean {
    if (this.#state.kind !== 'open') {
      lease?.release();
      return false;
    }
    this.#state = ANSWERED;
    return true;
  }
}
