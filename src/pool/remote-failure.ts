/** What a remote's answer or silence means to the caller. */
import { GatewayError } from '../errors.ts';
import { tlsAdvice } from './tls-advice.ts';
import { workerGone, workerGoneBefore } from './worker-failure.ts';

const RETRY_AFTER_MS = 1000;
const MAX_RETRY_AFTER_MS = 60_000;
const MAX_MESSAGE_CHARS = 1000;

/** Of a connection that was never made, so that nothing was sent on it. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|ERR_SSL_.*_ALERT_.*|CERT_.*|.*_CERT.*|UNABLE_TO_.*)$/;
/** It does not serve us this model: it has it no more, wants another token, or knows no versions. */
const NOT_SERVED = new Set([401, 403, 404, 405, 501]);
/** It cannot run this input, or so many rows. Servers differ: one says 400 where another says 500. */
const MODEL_FAILED = new Set([400, 413, 422, 500]);

/** It took the request for what it is not, or the model failed on it: which of them its answer does not tell. */
class InputRefused extends GatewayError {
  readonly status: number;

  constructor(status: number, said: string | undefined, body: Uint8Array) {
    const detail = { cause: new Error(`the remote answered ${status}: ${textOf(body)}`) };
    super('model-failed', said ?? 'the model failed there, and no reason was given', detail);
    this.status = status;
  }
}

/** A reply other than 200. `retryAfter` is its header. */
export function refusedReply(status: number, body: Uint8Array, retryAfter: unknown): GatewayError {
  const said = errorOf(body);
  if (status === 429 || status === 503)
    return overloadedThere(said ?? textOf(body), retryAfterMs(retryAfter));
  if (status === 502 || status === 504) return workerGone(said ?? textOf(body));
  if (NOT_SERVED.has(status)) return workerGoneBefore(`it answers ${status}: ${said ?? textOf(body)}`);
  if (MODEL_FAILED.has(status)) return new InputRefused(status, said, body);
  const cause = new Error(`the remote answered ${status}: ${textOf(body)}`);
  return new GatewayError('internal', 'internal error', { cause });
}

/** What a server answers that cannot read binary tensors; a model that failed may be answered with the same. */
export function mayBeRefusedForm(error: unknown): boolean {
  return error instanceof InputRefused;
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

/** In words for operators; no addresses but the remote's own are in it. `shows` as in `tlsAdvice`. */
export function whyBroken(error: unknown, shows?: boolean): string {
  if (error instanceof GatewayError && error.cause === undefined) return error.message;
  const cause = error instanceof GatewayError ? error.cause : error;
  const code = codeOf(cause);
  if (code !== '') return [code, tlsAdvice(code, shows)].filter(Boolean).join(': ');
  if (typeof cause === 'string') return cause.slice(0, 200);
  return error instanceof GatewayError && error.code !== 'internal' ? error.message : messageOf(cause);
}

/** Whole seconds; anything else is not understood. */
function retryAfterMs(header: unknown): number {
  const seconds = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
  return seconds === undefined ? RETRY_AFTER_MS : Math.min(MAX_RETRY_AFTER_MS, seconds * 1000);
}

/** What it says to whoever asked: `error` as the protocol has it. Anything else may be its insides: a stack, a page. */
function errorOf(body: Uint8Array): string | undefined {
  try {
    const { error } = JSON.parse(textOf(body, 64 * 1024)) as { error?: unknown };
    return typeof error === 'string' && error !== '' ? error.slice(0, MAX_MESSAGE_CHARS) : undefined;
  } catch {
    return undefined;
  }
}

/** For operators. */
function textOf(body: Uint8Array, most = MAX_MESSAGE_CHARS): string {
  return new TextDecoder().decode(body.subarray(0, most));
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'no reason given';
}
