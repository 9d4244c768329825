/**
 * The one error class of the gateway and its closed set of codes. Anything a caller may see is thrown as a
 * GatewayError; its message is written for that caller and names the field and what was expected. Causes are
 * for logs and never leave the process. `http/status.ts` turns codes into statuses, once.
 */

export type ErrorCode =
  | 'invalid' // the request is wrong: a field, a shape, a datatype
  | 'forbidden' // not allowed here
  | 'not-found' // unknown model, version, label, path
  | 'method-not-allowed'
  | 'request-timeout' // the client sent its request too slowly
  | 'too-large' // body, inflated body or tensor above a limit
  | 'unsupported-encoding' // content-encoding or content-type that cannot be decoded
  | 'headers-too-large'
  | 'overloaded' // queue full, quota or concurrency limit
  | 'cancelled' // the client went away; never sent
  | 'model-failed' // the model itself failed on this input
  | 'internal' // a bug of ours or an unexpected failure; its text stays inside
  | 'unavailable' // breaker open, draining, loading
  | 'worker-failed' // the worker that had it died, hung or lost the connection
  | 'not-cached' // only a cached answer was wanted, and there is none
  | 'deadline' // the deadline passed, queued or running
  | 'not-implemented';

export interface ErrorDetail {
  readonly cause?: unknown;
  /** When trying again is worth it; sent as `Retry-After` and `headgate-retry-after-ms`. */
  readonly retryAfterMs?: number;
  /** True: what failed was certainly not run, so that running it elsewhere is safe. */
  readonly notRun?: boolean;
}

export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly notRun: boolean;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.retryAfterMs = detail.retryAfterMs;
    this.notRun = detail.notRun ?? false;
  }

  /** Normalises anything caught: unknown failures become `internal`, with the original as cause. */
  static from(thrown: unknown): GatewayError {
    if (thrown instanceof GatewayError) return thrown;
    return new GatewayError('internal', 'internal error', { cause: thrown });
  }
}
