import { GatewayError } from '../errors.ts';

/** How long an input that took workers down is remembered. */
const REMEMBERED_MS = 600_000;
/** Inputs remembered; beyond it the oldest is forgotten. */
const MOST = 1024;

/** How long others of a suspect's kind run as usual while one of them is tried apart. */
const TRIAL_MS = 5000;

interface Suspicion {
  readonly until: number;
  triedUntil: number;
}

/**
 * Inputs of one version that took their worker down, by hash: those that did it twice, alone, are refused; those under
 * which one died, and nobody waited any more to have them run apart, are suspects: one of them is tried apart at a time.
 */
export class Condemned {
  /** In the order in which they end, as everywhere here. */
  readonly #refused = new Map<string, { readonly until: number }>();
  readonly #suspects = new Map<string, Suspicion>();

  /** Whether an input need be hashed at all; `now`, ms. */
  knowsAny(now: number): boolean {
    forgetOld(this.#refused, now);
    forgetOld(this.#suspects, now);
    return this.#refused.size + this.#suspects.size > 0;
  }

  hasSuspects(now: number): boolean {
    forgetOld(this.#suspects, now);
    return this.#suspects.size > 0;
  }

  add(hash: string, now: number): void {
    this.#suspects.delete(hash);
    remember(this.#refused, hash, { until: now + REMEMBERED_MS });
  }

  suspect(hash: string, now: number): void {
    if (!this.#refused.has(hash)) {
      remember(this.#suspects, hash, { until: now + REMEMBERED_MS, triedUntil: Number.NEGATIVE_INFINITY });
    }
  }

  acquit(hash: string): void {
    this.#suspects.delete(hash);
  }

  /** Whether this one is to be tried apart: then the next is not, for a while. */
  tries(hash: string, now: number): boolean {
    const suspicion = this.#suspects.get(hash);
    if (suspicion === undefined || suspicion.triedUntil > now) return false;
    suspicion.triedUntil = now + TRIAL_MS;
    return true;
  }

  /** The refusal of an input that is remembered. */
  refusal(hash: string, now: number): GatewayError | undefined {
    const refused = this.#refused.get(hash);
    return refused === undefined || refused.until <= now ? undefined : condemnedError(refused.until - now);
  }
}

function remember<Kept>(byHash: Map<string, Kept>, hash: string, kept: Kept): void {
  byHash.delete(hash);
  byHash.set(hash, kept);
  if (byHash.size <= MOST) return;
  for (const oldest of byHash.keys()) {
    byHash.delete(oldest);
    return;
  }
}

function forgetOld(byHash: Map<string, { readonly until: number }>, now: number): void {
  if (byHash.size === 0) return;
  for (const [hash, { until }] of byHash) {
    if (until > now) return;
    byHash.delete(hash);
  }
}

export function condemnedError(forMs = REMEMBERED_MS): GatewayError {
  const seconds = Math.ceil(forMs / 1000);
  return new GatewayError(
    'model-failed',
    `running this input took its worker process down twice: it is refused for ${seconds} s`,
  );
}
