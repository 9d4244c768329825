/** What a remote's answer or silence means to the caller. */
import { GatewayError } from '../errors.ts';
import { errorMessage, failedReply, workerGone, workerGoneBefore } from './worker-failure.ts';

const RETRY_AFTER_MS = 1000;
const MAX_RETRY_AFTER_MS = 60_000;

/** Of a connection that was never made, so that nothing was sent on it. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|CERT_.*|.*_CERT.*|UNABLE_TO_.*)$/;

/** A reply other than 200. `retryAfter` is its header. */
export function refusedReply(status: number, body: Uint8Array, retryAfter: unknown): GatewayError {
  if (status === 429 || status === 503) return overloadedThere(errorMessage(body), retryAfterMs(retryAfter));
  if (status === 502 || status === 504) return workerGone(errorMessage(body));
  return failedReply(status, body);
}

export function overloadedThere(cause: unknown, retryAfterMs = RETRY_AFTER_MS): GatewayError {
  return new GatewayError('overloaded', 'the server running this model refuses more', {
    cause,
    retryAfterMs,
  });
}

/** An exchange that broke. */
export function brokenExchange(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return NEVER_SENT.test(codeOf(error)) ? workerGoneBefore(error) : workerGone(error);
}

/** In words for operators; no addresses but the remote's own are in it. */
export function whyBroken(error: unknown): string {
  if (error instanceof GatewayError && error.cause === undefined) return error.message;
  const cause = error instanceof GatewayError ? error.cause : error;
  const code = codeOf(cause);
  if (code !== '') return code;
  if (typeof cause === 'string') return cause.slice(0, 200);
  return error instanceof GatewayError && error.code !== 'internal' ? error.message : messageOf(cause);
}

/** Whole seconds; anything else is not understood. */
function retryAfterMs(header: unknown): number {
  const seconds = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
  return seconds === undefined ? RETRY_AFTER_MS : Math.min(MAX_RETRY_AFTER_MS, seconds * 1000);
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'no reason given';
}
