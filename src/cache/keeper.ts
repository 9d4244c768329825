import type { GatewayError } from '../errors.ts';
import type { CacheControl } from '../inference.ts';
import type { Pressure } from '../pressure.ts';
import type { Tensor } from '../tensor.ts';
import type { Scout } from './break-even.ts';
import { type ContentKey, contentKeyOf, contentKeysInStretches, isQuick } from './content-key.ts';
import type { Flight, Part } from './flight.ts';
import { freshnessOf, type Lifetimes } from './freshness.ts';
import { HitEstimate } from './hit-estimate.ts';
import type { RequestUnits } from './request-units.ts';
import type { ClaimedShelf } from './result-store.ts';
import type { SecondLevel } from './second-level.ts';
import { copiesOf, isAllFinite, type StoredResult } from './stored-result.ts';
import type { Keeping, UnitResult } from './unit-result.ts';

export interface KeeperOptions extends Lifetimes {
  /** Could the version have answered this, asked for these outputs? What others wrote is not taken on trust. */
  readonly isAnswer: (stored: StoredResult, outputs: readonly string[] | undefined) => boolean;
  readonly shelf: ClaimedShelf;
  readonly secondLevel: SecondLevel | undefined;
  /** Where the process is short of memory. */
  readonly pressure: Pressure;
}

/** What may be answered by something older when the model fails: not the caller's own mistakes, nor its leaving. */
const STANDS_IN_FOR = new Set([
  'model-failed',
  'internal',
  'unavailable',
  'worker-failed',
  'overloaded',
  'deadline',
]);

/**
 * The results of one version: looks them up and keeps new ones, for as long as its options say. On its shelf their times
 * are of this process's clock that never jumps; in the second level, which others read, of the wall clock.
 */
export class Keeper {
  readonly #options: KeeperOptions;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** See `ClaimedShelf.epoch`. */
  get epoch(): number {
    return this.#options.shelf.epoch;
  }

  /** Tells what would be found here; see `HitEstimate`. */
  scout(now: () => number): Scout {
    const { shelf, ttlMs, staleWhileRevalidateMs } = this.#options;
    return new HitEstimate(() => shelf.room, ttlMs + staleWhileRevalidateMs, now);
  }

  /** False: it would hold the event loop up; `lookUp` does it in stretches. */
  hashesAtOnce(units: RequestUnits): boolean {
    return isQuick(units);
  }

  /** Only where `hashesAtOnce`. */
  keyOf(units: RequestUnits, unit: number): ContentKey {
    return contentKeyOf(this.#options.shelf.scope, units, unit);
  }

  /**
   * Finds what a flight need not run: with keys, where it has none yet, and in the second level. Undefined where
   * there is nothing to ask; else resolves soon.
   */
  lookUp(flight: Flight, spent: (ms: number) => void): Promise<void> | undefined {
    const { secondLevel, shelf } = this.#options;
    if (!flight.reads && !flight.stores) return undefined;
    if (flight.parts[0]?.key !== undefined)
      return flight.reads && secondLevel ? this.#fetch(flight) : undefined;
    const wanted = flight.parts.map(({ unit }) => unit);
    return contentKeysInStretches(shelf.scope, flight.units, wanted, spent).then(keys => {
      for (const [at, part] of flight.parts.entries()) {
        const key = keys[at] as ContentKey;
        part.key = key;
        if (flight.reads) part.result = this.get(key, flight.control);
      }
      return flight.reads ? this.#fetch(flight) : undefined;
    });
  }

  /** What answers for this key, for who allows so much. */
  get(key: ContentKey, control: CacheControl): UnitResult | undefined {
    const { shelf, pressure } = this.#options;
    const stored = shelf.get(key);
    if (stored === undefined) return undefined;
    const ageMs = performance.now() - stored.storedAt;
    const freshness = freshnessOf(ageMs, this.#options, control);
    if (freshness === 'gone') shelf.delete(key);
    if (freshness === 'gone' || freshness === 'spare') return undefined;
    const outcome = freshness === 'fresh' ? 'hit' : 'stale';
    // What would not be kept would be renewed for every hit.
    const renew = freshness === 'renew' && !pressure.isOff('cache-writes');
    return resultOf(stored, { outcome, ageMs, renew });
  }

  /** What may stand in for a model that failed so. */
  standIn(key: ContentKey | undefined, error: GatewayError): UnitResult | undefined {
    if (key === undefined || !STANDS_IN_FOR.has(error.code)) return undefined;
    const stored = this.#options.shelf.get(key);
    if (stored === undefined) return undefined;
    const { ttlMs, staleIfErrorMs } = this.#options;
    const ageMs = performance.now() - stored.storedAt;
    if (ageMs >= ttlMs + staleIfErrorMs) return undefined;
    return resultOf(stored, { outcome: 'stale', ageMs, renew: false, standsIn: true });
  }

  /** Asks the second level for what is missing. Nothing that it says after a purge counts. */
  #fetch(flight: Flight): Promise<void> | undefined {
    const { secondLevel, isAnswer } = this.#options;
    const missing = flight.missing();
    if (missing.length === 0) return undefined;
    const keys = missing.map(({ key }) => key as ContentKey);
    const { outputs } = flight.inference;
    return secondLevel
      ?.get(keys, stored => isAnswer(stored, outputs))
      ?.then(found => {
        if (flight.epoch !== this.epoch) return;
        for (const [i, stored] of found.entries()) this.#take(missing[i] as Part, stored);
      });
  }

  #take(part: Part, stored: StoredResult | undefined): void {
    const { shelf, ttlMs } = this.#options;
    if (stored === undefined) return;
    // Another machine's clock may be ahead of ours.
    const ageMs = Math.max(0, Date.now() - stored.storedAt);
    if (ageMs >= ttlMs) return;
    const result: StoredResult = { ...stored, storedAt: performance.now() - ageMs };
    shelf.set(part.key as ContentKey, result, part.flight.epoch);
    part.result = resultOf(result, { outcome: 'hit', ageMs, renew: false });
  }

  /** Copies what it keeps; values that are not finite are not kept, nor what began before a purge, in another `epoch`. */
  keep(key: ContentKey, outputs: readonly Tensor[], epoch: number): void {
    if (this.#options.pressure.isOff('cache-writes')) return;
    if (epoch !== this.epoch || !isAllFinite(outputs)) return;
    const copies = copiesOf(outputs);
    const { shelf, secondLevel, ttlMs } = this.#options;
    shelf.set(key, { outputs: copies, storedAt: performance.now() });
    secondLevel?.set(key, { outputs: copies, storedAt: Date.now() }, ttlMs);
  }
}

function resultOf({ outputs }: StoredResult, kept: Keeping): UnitResult {
  return { block: { outputs, units: 1, lease: undefined }, at: 0, kept };
}
