/** What a cache that several gateways share looks like from here. Never rejects, never throws, never waits for long. */
import type { ContentKey } from './content-key.ts';
import type { StoredResult } from './stored-result.ts';

export interface SecondLevel {
  /** One for each key, in their order; undefined where nothing usable is. Undefined altogether while it is not to be asked. */
  get(
    keys: readonly ContentKey[],
    isUsable: (stored: StoredResult) => boolean,
  ): Promise<readonly (StoredResult | undefined)[]> | undefined;
  /** Soon, and nobody waits for it; dropped where it can't. Gone after `ttlMs`. */
  set(key: ContentKey, result: StoredResult, ttlMs: number): void;
}
