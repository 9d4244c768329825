/** The one table from error codes to statuses, and the form every error answer has. */
import type { ErrorCode, GatewayError } from '../errors.ts';

/** `overloaded` is 503 instead where configured so. `cancelled` is counted only: nobody is there to read it. */
export const STATUS = {
  invalid: 400,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'too-large': 413,
  'unsupported-encoding': 415,
  'headers-too-large': 431,
  overloaded: 429,
  cancelled: 499,
  'model-failed': 500,
  internal: 500,
  'not-implemented': 501,
  unavailable: 503,
  'worker-failed': 503,
  'not-cached': 504,
  deadline: 504,
} as const satisfies Record<ErrorCode, number>;

const MAY_BE_RETRIED: ReadonlySet<ErrorCode> = new Set(['overloaded', 'unavailable', 'worker-failed']);

/** How long to stay away when the error does not say, ms. */
const DEFAULT_RETRY_AFTER_MS = 1000;

export function statusOf(code: ErrorCode, overloadStatus: 429 | 503): number {
  return code === 'overloaded' ? overloadStatus : STATUS[code];
}

/** `{"error": …}` as the Open Inference Protocol has it; the text of an `internal` error stays inside. */
export function errorBody(error: GatewayError): Buffer {
  const text = error.code === 'internal' ? 'internal error' : error.message;
  return Buffer.from(JSON.stringify({ error: text }));
}

/** `Retry-After` in whole seconds, rounded up, and the exact figure beside it; empty where a retry is no remedy. */
export function retryHeaders(error: GatewayError): string[] {
  if (!MAY_BE_RETRIED.has(error.code)) return [];
  const afterMs = Math.max(0, Math.ceil(error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS));
  return ['retry-after', String(Math.ceil(afterMs / 1000)), 'headgate-retry-after-ms', String(afterMs)];
}
