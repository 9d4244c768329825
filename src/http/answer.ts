/** The answers that are not inferences: JSON, nothing, or an error. */
import { GatewayError } from '../errors.ts';
import type { Answering } from './answering.ts';
import { errorBody, retryHeaders, statusOf } from './status.ts';

/** `undefined` answers with an empty body. */
export function answerJson(exchange: Answering, status: number, value: unknown): void {
  if (value === undefined) exchange.answer(status, [], []);
  else exchange.answer(status, ['content-type', 'application/json'], [Buffer.from(JSON.stringify(value))]);
}

/** Turns anything thrown into its status and `{"error": …}`; returns what it was turned into. */
export function answerError(
  exchange: Answering,
  thrown: unknown,
  overloadStatus: 429 | 503,
  extraHeaders: readonly string[] = [],
): GatewayError {
  const error = GatewayError.from(thrown);
  const headers = ['content-type', 'application/json', ...retryHeaders(error), ...extraHeaders];
  exchange.answer(statusOf(error.code, overloadStatus), headers, [errorBody(error)]);
  return error;
}
