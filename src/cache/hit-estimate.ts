import { LRUCache } from 'lru-cache';
import type { Scout } from './break-even.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { RequestUnits } from './request-units.ts';

/** Of every so many contents, a power of two, one is followed. */
const AMONG = 16;
/** Of a larger cache the estimate is that of a smaller one. */
const MOST_FOLLOWED = 8192;

/**
 * What a cache would find, whether there is one or not: of one in 16 contents the fingerprint is kept, in a table with
 * a sixteenth of the cache's room that drops what was not used longest. Its share of hits is the cache's (Waldspurger
 * et al., Efficient MRC Construction with SHARDS, FAST 2015). Times in ms.
 */
export class HitEstimate implements Scout {
  readonly #capacity: () => number;
  readonly #lifetimeMs: number;
  readonly #now: () => number;
  /** By fingerprint, when it would have been kept. */
  readonly #followed = new LRUCache<number, number>({ max: MOST_FOLLOWED });
  #room: number;
  #seen = 0;
  #samples = 0;
  #hits = 0;

  /** `capacity`: how many results the cache has room for now. */
  constructor(capacity: () => number, lifetimeMs: number, now: () => number) {
    this.#capacity = capacity;
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
    this.#room = roomFor(capacity());
  }

  /** None is worth a look by itself: what the cache would find is not there while it steps aside. */
  saw(units: RequestUnits): boolean {
    this.#seen += units.count;
    for (let unit = 0; unit < units.count; unit++) {
      const fingerprint = fingerprintOf(units, unit);
      if ((fingerprint & (AMONG - 1)) === 0) this.#follow(fingerprint);
    }
    return false;
  }

  took(): void {}

  shareOf(units: number): number {
    const share = shareOfHits(this.#hits, this.#samples, this.#seen / AMONG) * (this.#seen / units);
    this.#seen = this.#samples = this.#hits = 0;
    this.#room = roomFor(this.#capacity());
    return share;
  }

  #follow(fingerprint: number): void {
    const since = this.#followed.get(fingerprint);
    const now = this.#now();
    const isHit = since !== undefined && now - since < this.#lifetimeMs;
    this.#samples++;
    if (isHit) this.#hits++;
    else this.#followed.set(fingerprint, now);
    while (this.#followed.size > this.#room) this.#followed.pop();
  }
}

/** Standard deviations of how many are followed that chance alone does not explain. */
const UNLIKELY = 4;

/**
 * Of those followed, those that were hits. Where they are far more or fewer than one in `AMONG`, a content that comes
 * all the time is among them, or is not: then what is too much or missing counts as hits, as SHARDS-adj does.
 */
function shareOfHits(hits: number, samples: number, expected: number): number {
  if (expected === 0) return 0;
  const missing = expected - samples;
  if (Math.abs(missing) > UNLIKELY * Math.sqrt(expected)) return Math.max(0, hits + missing) / expected;
  return samples === 0 ? 0 : hits / samples;
}

function roomFor(capacity: number): number {
  return Math.max(1, Math.ceil(capacity / AMONG));
}
