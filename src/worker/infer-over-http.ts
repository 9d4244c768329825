/** Inference from any client, through node:http. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../errors.ts';
import { writeAnswer } from './answer.ts';
import { InferExchange, type Line } from './infer-exchange.ts';
import { MAX_BODY_BYTES } from './infer-head.ts';
import type { LoadedModel } from './loaded-model.ts';

/** Answers one request. Throws `invalid` or `too-large` for lengths that cannot be. */
export function inferOverHttp(model: LoadedModel, req: IncomingMessage, res: ServerResponse): void {
  const length = bodyLength(req);
  // A pause does not hold back an `end` that is already on its way.
  let paused = false;
  let ended = false;
  const line: Line = {
    pause: () => {
      paused = true;
      req.pause();
    },
    resume: () => {
      paused = false;
      req.resume();
      if (ended) exchange.received();
    },
    answer: answer => writeAnswer(res, answer),
  };
  const exchange = new InferExchange(model, line, length, headerLength(req, length));
  req.on('data', (chunk: Buffer) => exchange.receive(chunk));
  req.on('end', () => {
    ended = true;
    if (!paused) exchange.received();
  });
  res.on('close', () => {
    if (!res.writableFinished) exchange.closed();
  });
}

/** The length of a request's body, which the sender must give; throws `invalid` or `too-large`. */
export function bodyLength(req: IncomingMessage): number {
  const length = Number(req.headers['content-length'] ?? Number.NaN);
  if (!Number.isInteger(length)) throw new GatewayError('invalid', 'content-length: required');
  if (length <= MAX_BODY_BYTES) return length;
  throw new GatewayError('too-large', `body: expected at most ${MAX_BODY_BYTES} bytes`);
}

/** What `Inference-Header-Content-Length` says; undefined: not sent. Throws `invalid`. */
function headerLength(req: IncomingMessage, bodyBytes: number): number | undefined {
  const value = req.headers['inference-header-content-length'];
  if (value === undefined) return undefined;
  const length = Number(value);
  if (typeof value === 'string' && /^\d+$/.test(value) && length <= bodyBytes) return length;
  throw new GatewayError('invalid', 'inference-header-content-length: expected a length within the body');
}
