/** What a worker's answer or silence means to the caller. */
import { GatewayError } from '../errors.ts';

/** When a dead worker is likely back: it restarts at once and loads in about this time. */
const RETRY_AFTER_MS = 1000;

/** The worker died, or its connection did: nothing is known about the request. */
class WorkerGone extends GatewayError {
  constructor(cause: unknown, notRun: boolean) {
    const detail = { cause, retryAfterMs: RETRY_AFTER_MS, notRun };
    super('worker-failed', 'the worker running this model went away', detail);
  }
}

/** With a request that it may have run. */
export function workerGone(cause?: unknown): GatewayError {
  return new WorkerGone(cause, false);
}

/** Before it was sent anything of the request. */
export function workerGoneBefore(cause?: unknown): GatewayError {
  return new WorkerGone(cause, true);
}

/** False for what a worker answered, whatever its status. */
export function isWorkerGone(error: unknown): boolean {
  return error instanceof WorkerGone;
}

/**
 * A reply other than 200. 500 is the model failing on this input, in its own words. 404 and 503 mean the worker does
 * not (yet) have the version. Anything else is ours: the gateway checked this request against the signature.
 */
export function failedReply(status: number, body: Uint8Array): GatewayError {
  const message = errorMessage(body);
  if (status === 500) return new GatewayError('model-failed', message);
  if (status === 404 || status === 503) {
    return new GatewayError('worker-failed', 'the worker does not have this version', {
      cause: message,
      retryAfterMs: RETRY_AFTER_MS,
      notRun: true,
    });
  }
  return new GatewayError('internal', 'internal error', {
    cause: new Error(`the worker answered ${status}: ${message}`),
  });
}

/** The worker's trouble, not the model's: it went away, does not have the version, or was never started. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'unavailable' || error.code === 'worker-failed');
}

/** What went wrong, for the operator who loads the model: `internal` hides its words from clients alone. */
export function reasonOf(error: GatewayError): string {
  return error.code === 'internal' && error.cause instanceof Error ? error.cause.message : error.message;
}

const MAX_MESSAGE_CHARS = 1000;

/** The `error` of an OIP error body, shortened. */
export function errorMessage(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, 64 * 1024));
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error.slice(0, MAX_MESSAGE_CHARS);
  } catch {
    // Not JSON: the text itself says more than nothing.
  }
  return text.slice(0, MAX_MESSAGE_CHARS) || 'no reason given';
}
