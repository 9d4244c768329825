/** May a kept result answer now? Times in ms; ages count from when it was stored. Pure. */
import type { CacheControl } from '../inference.ts';

export interface Lifetimes {
  readonly ttlMs: number;
  /** After its time it still answers so long, while it is renewed. */
  readonly staleWhileRevalidateMs: number;
  /** After its time it may stand in so long for a model that fails. */
  readonly staleIfErrorMs: number;
}

/**
 * `renew`: it answers, and is to be renewed meanwhile. `stale`: it answers because the caller takes it so old.
 * `spare`: it does not answer, but may stand in. `gone`: it is of no use to anybody.
 */
export type Freshness = 'fresh' | 'renew' | 'stale' | 'spare' | 'gone';

export function freshnessOf(
  ageMs: number,
  lifetimes: Lifetimes,
  control: Pick<CacheControl, 'maxStaleMs'>,
): Freshness {
  const over = ageMs - lifetimes.ttlMs;
  if (over < 0) return 'fresh';
  if (over < lifetimes.staleWhileRevalidateMs) return 'renew';
  if (over < control.maxStaleMs) return 'stale';
  return over < lifetimes.staleIfErrorMs ? 'spare' : 'gone';
}
