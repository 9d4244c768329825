import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode, GatewayError } from '../errors.ts';
import type { Lease } from '../inference.ts';

/** A request and its one answer, on whatever it came: an `Exchange` of node:http, or a plain one. */
export interface Answering {
  readonly request: { readonly headers: IncomingHttpHeaders };
  /** On the `performance.now()` clock, ms. */
  readonly startedAt: number;
  /** Why it is not to be served; undefined: it is. */
  readonly refusal: GatewayError | undefined;
  /** Why nobody waits for the answer any more; undefined while somebody does. */
  readonly goneBecause: ErrorCode | undefined;
  goneError(): GatewayError;
  /** Calls `listener` when the client leaves before its answer; the latest listener holds. */
  whenGone(listener: () => void): void;
  /**
   * Sends the whole answer, `headers` as name, value, name, value. Dropped when nobody waits for it. The memory of
   * `lease` is let go when the chunks are no longer needed.
   */
  answer(status: number, headers: string[], chunks: readonly Uint8Array[], lease?: Lease): void;
}
