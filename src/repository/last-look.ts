import type { RepositoryModel, RepositoryVersion } from './repository-snapshot.ts';
import type { ConfigPart } from './scan-config.ts';

/** What this look found and the one before: the latter stands in for what is being written just now. */
export class LastLook {
  readonly configs = new Remembered<ConfigPart>();
  readonly versions = new Remembered<RepositoryVersion>();
  readonly models = new Remembered<RepositoryModel>();

  /** A new look begins. */
  begin(): void {
    this.configs.begin();
    this.versions.begin();
    this.models.begin();
  }
}

class Remembered<T> {
  #before: ReadonlyMap<string, T> = new Map();
  #now = new Map<string, T>();

  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }

  /** What was found, or for what is 'moving' what was found last; that is remembered for the next look. */
  keep(key: string, found: T | undefined | 'moving'): T | undefined {
    const value = found === 'moving' ? this.#before.get(key) : found;
    if (value !== undefined) this.#now.set(key, value);
    return value;
  }
}
