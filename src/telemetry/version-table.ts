/**
 * What is kept per (model, version), for as long as it is of use. A version that was unloaded keeps its entry, so
 * that its counters can still be read; past `capacity` entries the oldest unloaded one is dropped first.
 * Lookups are two Map reads and allocate nothing once an entry exists.
 */
export interface VersionEntry<T> {
  readonly model: string;
  readonly version: string;
  readonly value: T;
  /** Loaded, or about to be: dropped only when every entry is. */
  live: boolean;
}

export class VersionTable<T> {
  readonly #create: (model: string, version: string) => T;
  readonly #capacity: number;
  readonly #models = new Map<string, Map<string, VersionEntry<T>>>();
  readonly #oldestFirst = new Set<VersionEntry<T>>();

  constructor(create: (model: string, version: string) => T, capacity = 1024) {
    this.#create = create;
    this.#capacity = capacity;
  }

  /** The entry of this version, made when there is none. */
  at(model: string, version: string): VersionEntry<T> {
    return this.#models.get(model)?.get(version) ?? this.#add(model, version);
  }

  /** The entries of one version, of one model, or all. */
  entries(model?: string, version?: string): readonly VersionEntry<T>[] {
    if (model === undefined) return [...this.#oldestFirst];
    const versions = this.#models.get(model);
    if (versions === undefined) return [];
    if (version === undefined) return [...versions.values()];
    const entry = versions.get(version);
    return entry === undefined ? [] : [entry];
  }

  #add(model: string, version: string): VersionEntry<T> {
    if (this.#oldestFirst.size >= this.#capacity) this.#makeRoom();
    const entry = { model, version, value: this.#create(model, version), live: false };
    const versions = this.#models.get(model) ?? new Map<string, VersionEntry<T>>();
    this.#models.set(model, versions.set(version, entry));
    this.#oldestFirst.add(entry);
    return entry;
  }

  #makeRoom(): void {
    let oldest: VersionEntry<T> | undefined;
    for (const entry of this.#oldestFirst) {
      oldest ??= entry;
      if (entry.live) continue;
      this.#drop(entry);
      return;
    }
    if (oldest !== undefined) this.#drop(oldest);
  }

  #drop(entry: VersionEntry<T>): void {
    const versions = this.#models.get(entry.model);
    versions?.delete(entry.version);
    if (versions?.size === 0) this.#models.delete(entry.model);
    this.#oldestFirst.delete(entry);
  }
}
