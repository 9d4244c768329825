/** Error answers of the operator's plane: `{"error": …}` with the status of the one table. */
import type { FastifyReply } from 'fastify';
import { GatewayError } from '../errors.ts';
import { errorBody, retryHeaders, statusOf } from '../http/status.ts';

export function sendError(reply: FastifyReply, status: number, message: string): void {
  reply
    .code(status)
    .type('application/json')
    .send(JSON.stringify({ error: message }));
}

/** Anything thrown, ours or Fastify's own; `onInternal` sees what its caller may not. */
export function answerThrown(
  reply: FastifyReply,
  thrown: unknown,
  onInternal: (error: unknown) => void,
): void {
  const status = thrown instanceof GatewayError ? undefined : clientStatusOf(thrown);
  if (status !== undefined) {
    sendError(reply, status, CLIENT_ERRORS[status] ?? 'malformed request');
    return;
  }
  const error = GatewayError.from(thrown);
  if (error.code === 'internal') onInternal(error.cause ?? error);
  const retry = retryHeaders(error);
  for (let i = 0; i < retry.length; i += 2) reply.header(retry[i] as string, retry[i + 1]);
  reply.code(statusOf(error.code, 429)).type('application/json').send(errorBody(error));
}

const CLIENT_ERRORS: Readonly<Record<number, string>> = {
  413: 'request body: expected at most 256 KiB',
  415: 'content-type: expected application/json, application/octet-stream or none',
};

/** The 4xx that Fastify gave an error of its own, such as a body that is too large. */
function clientStatusOf(thrown: unknown): number | undefined {
  const status = (thrown as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
