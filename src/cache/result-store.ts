import { LRUCache } from 'lru-cache';
import type { ContentKey } from './content-key.ts';
import { ENTRY_OVERHEAD_BYTES, type StoredResult, sizeOfResult } from './stored-result.ts';

export interface StoreBounds {
  /** Of all versions' results. */
  readonly maxBytes: number;
  /** Of one model's, all its versions together: a part of `maxBytes`, 0 … 1. */
  readonly maxModelShare: number;
}

/** Whose results they are. Equal content of a version that was loaded anew is the same owner. */
export interface Owner {
  readonly model: string;
  readonly version: string;
  readonly scope: Buffer;
}

/** What is kept of one owner. */
class Shelf {
  readonly owner: Owner;
  readonly results: LRUCache<ContentKey, StoredResult>;
  claims = 0;
  /** Raised by each purge. */
  epoch = 0;

  constructor(owner: Owner, maxEntryBytes: number) {
    this.owner = owner;
    // What makes room is the store's to say: by itself it drops nothing.
    const maxSize = Number.MAX_SAFE_INTEGER;
    this.results = new LRUCache({ maxSize, maxEntrySize: maxEntryBytes, sizeCalculation: sizeOfResult });
  }
}

/**
 * The results that are kept, of all versions, bounded by bytes: of one model by its share, of all by the whole. What
 * was not used longest goes first, of the version that holds most: of the model that is full, or of all.
 *
 * A shelf is there while anybody claims it: `claim` when a version begins to serve, `release` when it ended. What it
 * hands out is never changed, and stays valid after it was dropped. Synchronous.
 */
export class ResultStore {
  readonly #shelves = new Map<string, Shelf>();
  readonly #bounds: StoreBounds;
  /** By model. */
  readonly #held = new Map<string, number>();
  #bytes = 0;
  #dropped = 0;

  constructor(bounds: StoreBounds) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Results that had to make room. */
  get dropped(): number {
    return this.#dropped;
  }

  get #mostOfModel(): number {
    return Math.max(1, Math.floor(this.#bounds.maxBytes * this.#bounds.maxModelShare));
  }

  claim(owner: Owner): ClaimedShelf {
    const id = owner.scope.toString('hex');
    const shelf = this.#shelves.get(id) ?? new Shelf(owner, this.#mostOfModel);
    this.#shelves.set(id, shelf);
    shelf.claims++;
    return new ClaimedShelf(
      shelf,
      bytes => this.#changed(shelf, bytes),
      () => this.#roomOf(shelf),
      () => this.#release(id, shelf),
    );
  }

  /** Drops what is kept of a model, or of one of its versions; how many results that were. What is under way is not kept. */
  purge(model: string, version?: string): number {
    let purged = 0;
    for (const shelf of this.#shelves.values()) {
      const { owner, results } = shelf;
      if (owner.model !== model || (version !== undefined && owner.version !== version)) continue;
      purged += results.size;
      shelf.epoch++;
      this.#clear(shelf);
    }
    return purged;
  }

  /** Bytes that a model may fill while others hold what they hold: its own at least. */
  #roomOf({ owner }: Shelf): number {
    const others = this.#bytes - (this.#held.get(owner.model) ?? 0);
    return Math.min(this.#mostOfModel, this.#bounds.maxBytes - others);
  }

  #release(id: string, shelf: Shelf): void {
    if (--shelf.claims > 0) return;
    this.#shelves.delete(id);
    this.#clear(shelf);
  }

  #clear({ owner, results }: Shelf): void {
    this.#count(owner.model, -results.calculatedSize);
    results.clear();
  }

  #count(model: string, bytes: number): void {
    this.#bytes += bytes;
    const held = (this.#held.get(model) ?? 0) + bytes;
    if (held > 0) this.#held.set(model, held);
    else this.#held.delete(model);
  }

  #changed({ owner }: Shelf, bytes: number): void {
    this.#count(owner.model, bytes);
    let drops = true;
    while (drops && (this.#held.get(owner.model) ?? 0) > this.#mostOfModel)
      drops = this.#dropOne(owner.model);
    while (drops && this.#bytes > this.#bounds.maxBytes) drops = this.#dropOne();
  }

  /** False when there is nothing to drop. */
  #dropOne(model?: string): boolean {
    let largest: Shelf | undefined;
    for (const shelf of this.#shelves.values()) {
      if (model !== undefined && shelf.owner.model !== model) continue;
      if (shelf.results.calculatedSize > (largest?.results.calculatedSize ?? 0)) largest = shelf;
    }
    if (largest === undefined) return false;
    const before = largest.results.calculatedSize;
    largest.results.pop();
    this.#count(largest.owner.model, largest.results.calculatedSize - before);
    this.#dropped++;
    return true;
  }
}

/** One version's results. Nothing is kept any more once it was released. */
export class ClaimedShelf {
  readonly #shelf: Shelf;
  readonly #changed: (bytes: number) => void;
  readonly #room: () => number;
  readonly #release: () => void;
  #isReleased = false;

  constructor(shelf: Shelf, changed: (bytes: number) => void, room: () => number, release: () => void) {
    this.#shelf = shelf;
    this.#changed = changed;
    this.#room = room;
    this.#release = release;
  }

  /** Of the content that answers: see `scopeOf`. */
  get scope(): Buffer {
    return this.#shelf.owner.scope;
  }

  /** Raised by each purge: what was asked for before it is not to be kept. */
  get epoch(): number {
    return this.#shelf.epoch;
  }

  get size(): number {
    return this.#shelf.results.size;
  }

  get bytes(): number {
    return this.#shelf.results.calculatedSize;
  }

  /** Results of the size of those that are here which the model may have now. */
  get room(): number {
    const { size, calculatedSize } = this.#shelf.results;
    const each = size === 0 ? ENTRY_OVERHEAD_BYTES : calculatedSize / size;
    return Math.floor(this.#room() / each);
  }

  get(key: ContentKey): StoredResult | undefined {
    return this.#shelf.results.get(key);
  }

  /** Not kept when it is larger than a model may hold, or was asked for before a purge: in another `epoch`. */
  set(key: ContentKey, result: StoredResult, epoch = this.epoch): void {
    if (this.#isReleased || epoch !== this.epoch) return;
    this.#change(results => results.set(key, result));
  }

  delete(key: ContentKey): void {
    this.#change(results => results.delete(key));
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#release();
  }

  #change(how: (results: Shelf['results']) => void): void {
    const { results } = this.#shelf;
    const before = results.calculatedSize;
    how(results);
    if (!this.#isReleased) this.#changed(results.calculatedSize - before);
  }
}
