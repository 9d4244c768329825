/** A version none of whose workers may be asked: every one of its breakers is open. */
import type { BreakerView } from '../breaker.ts';
import { GatewayError } from '../errors.ts';

/** When nobody can say when it will be tried: it was opened by hand, or is being tried now. */
const UNKNOWN_MS = { held: 10_000, trying: 1000 };

class Outage extends GatewayError {}

/** What callers are told: why, and when to come back. */
export function outageError(model: string, version: string, breakers: readonly BreakerView[]): GatewayError {
  const reasons = [...new Set(breakers.map(({ reason }) => reason))].join('; ');
  const message = `model "${model}" version ${version} is out of service: ${reasons}`;
  return new Outage('unavailable', message, { retryAfterMs: Math.min(...breakers.map(retryAfterMs)) });
}

export function isOutage(error: unknown): boolean {
  return error instanceof Outage;
}

function retryAfterMs({ state, nextTrialMs }: BreakerView): number {
  if (state === 'trying') return UNKNOWN_MS.trying;
  return nextTrialMs === undefined ? UNKNOWN_MS.held : Math.max(1, nextTrialMs);
}
