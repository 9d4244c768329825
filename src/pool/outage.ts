/** A version none of whose workers may be asked: its breakers are open, or nobody is there. */
import type { BreakerView } from '../breaker.ts';
import { GatewayError } from '../errors.ts';

/** When nobody can say when it will be tried: it was opened by hand, or is being tried now. */
const UNKNOWN_MS = { held: 10_000, trying: 1000 };

/** Why nothing runs on some seats, and how long that lasts at least. */
export type OutOfService = Pick<BreakerView, 'state' | 'reason' | 'nextTrialMs'>;

class Outage extends GatewayError {}

/** What callers are told: why, and when to come back. */
export function outageError(model: string, version: string, seats: readonly OutOfService[]): GatewayError {
  const reasons = [...new Set(seats.map(({ reason }) => reason))].join('; ');
  const message = `model "${model}" version ${version} is out of service: ${reasons}`;
  return new Outage('unavailable', message, { retryAfterMs: Math.min(...seats.map(retryAfterMs)) });
}

export function isOutage(error: unknown): boolean {
  return error instanceof Outage;
}

function retryAfterMs({ state, nextTrialMs }: OutOfService): number {
  if (state === 'trying') return UNKNOWN_MS.trying;
  return nextTrialMs === undefined ? UNKNOWN_MS.held : Math.max(1, nextTrialMs);
}
