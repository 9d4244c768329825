/** Whether one more request may wait. A pure decision, and the words in which it is refused. */
import { GatewayError } from '../errors.ts';

export interface QueueBounds {
  readonly maxQueueRows: number;
  readonly maxQueueBytes: number;
  /** Distinct shape signatures waiting at once. */
  readonly maxSignatures: number;
}

export interface Waiting {
  readonly rows: number;
  readonly bytes: number;
  readonly signatures: number;
}

export interface Applicant {
  readonly rows: number;
  readonly bytes: number;
  readonly hasNewSignature: boolean;
}

/** `…-never-fit`: not even into an empty queue, so trying again is pointless. */
export type Admission =
  | 'admitted'
  | 'rows-never-fit'
  | 'bytes-never-fit'
  | 'rows-full'
  | 'bytes-full'
  | 'signatures-full';

export function admit(waiting: Waiting, applicant: Applicant, bounds: QueueBounds): Admission {
  if (applicant.rows > bounds.maxQueueRows) return 'rows-never-fit';
  if (applicant.bytes > bounds.maxQueueBytes) return 'bytes-never-fit';
  if (waiting.rows + applicant.rows > bounds.maxQueueRows) return 'rows-full';
  if (waiting.bytes + applicant.bytes > bounds.maxQueueBytes) return 'bytes-full';
  if (applicant.hasNewSignature && waiting.signatures >= bounds.maxSignatures) return 'signatures-full';
  return 'admitted';
}

/** `retryAfterMs` is when a full queue will have been served. */
export function refusalOf(
  admission: Exclude<Admission, 'admitted'>,
  model: string,
  bounds: QueueBounds,
  retryAfterMs: number,
): GatewayError {
  const full = (what: string): GatewayError =>
    new GatewayError('overloaded', `model "${model}": the queue is full (${what}); try again later`, {
      retryAfterMs,
    });
  const tooLarge = (what: string): GatewayError =>
    new GatewayError(
      'too-large',
      `model "${model}": the request is larger than its queue; expected at most ${what}`,
    );
  switch (admission) {
    case 'rows-never-fit':
      return tooLarge(`${bounds.maxQueueRows} rows in the first dimension of every input`);
    case 'bytes-never-fit':
      return tooLarge(`${bounds.maxQueueBytes} bytes in all inputs`);
    case 'rows-full':
      return full(`limit ${bounds.maxQueueRows} rows`);
    case 'bytes-full':
      return full(`limit ${bounds.maxQueueBytes} bytes`);
    case 'signatures-full':
      return full(`limit ${bounds.maxSignatures} different input shapes or sets of outputs`);
  }
}

/** `retryAfterMs` is when a request like it could be answered within its time. */
export function refusedAsHopeless(model: string, retryAfterMs: number): GatewayError {
  const message =
    `model "${model}": the queue is too long to answer before the deadline; ` +
    `try again in ${retryAfterMs} ms, or allow more time`;
  return new GatewayError('overloaded', message, { retryAfterMs });
}

/** Under pressure, of the least urgent. */
export function shedError(model: string): GatewayError {
  const message = `model "${model}": the gateway is short of memory or time, and only more urgent requests are taken; try again later`;
  return new GatewayError('overloaded', message, { retryAfterMs: SHED_RETRY_MS });
}

const SHED_RETRY_MS = 1000;
