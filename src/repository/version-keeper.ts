import { type CatalogSpec, reasonOf, specKey, type VersionEntry } from './catalog-entry.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import { LoadRetry } from './load-retry.ts';

export interface Closable {
  /** Lets what it has accepted finish, then frees everything. */
  close(): Promise<void>;
}

export interface VersionLoader<L> {
  readonly load: (spec: CatalogSpec, signal: AbortSignal) => Promise<L>;
  readonly limit: ConcurrencyLimit;
  /** Aborted when the catalog closes. */
  readonly signal: AbortSignal;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

/**
 * One version of one model: at most one generation that serves and one being loaded to replace it. The new one is
 * ready before it takes over, and takes over before the old one begins to close; when it fails, the old one stays.
 * `become` and `retire` are called one after the other, never at the same time.
 */
export class VersionKeeper<L extends Closable> {
  readonly #loader: VersionLoader<L>;
  readonly #changed: (entry: VersionEntry<L>, refused: string) => void;
  #entry: VersionEntry<L> = { state: 'LOADING' };
  /** Of the generation that serves, and of the last one that failed. */
  #servingKey = '';
  #failedKey = '';
  readonly #retry: LoadRetry;

  /**
   * `changed` is told each new entry, and with it what was refused just now, if anything; `retryDue` when `become` is to
   * be called once more, for what failed may succeed now.
   */
  constructor(
    loader: VersionLoader<L>,
    changed: (entry: VersionEntry<L>, refused: string) => void,
    retryDue: () => void,
  ) {
    this.#loader = loader;
    this.#changed = changed;
    this.#retry = new LoadRetry(loader.random, retryDue);
  }

  get entry(): VersionEntry<L> {
    return this.#entry;
  }

  get isReady(): boolean {
    return this.#entry.state === 'READY';
  }

  /** Settles when `spec` serves or has failed; never rejects. What failed before is tried again only with `again`, or when that is due. */
  async become(spec: CatalogSpec, problem: string, again: boolean): Promise<void> {
    const key = `${problem} ${specKey(spec)}`;
    const old = this.#entry.state === 'READY' ? this.#entry : undefined;
    if (old !== undefined && key === this.#servingKey) {
      this.#failedKey = '';
      this.#retry.stop();
      if (old.refused !== '') this.#set({ ...old, refused: '' });
      return;
    }
    const isRetry = this.#retry.isDue && key === this.#failedKey;
    if (key === this.#failedKey && !again && !isRetry) return;
    if (isRetry) this.#retry.begin();
    else this.#retry.stop();
    if (problem !== '') return this.#fail(key, problem);
    if (old === undefined && !isRetry) this.#set({ state: 'LOADING' });
    try {
      const { load, limit, signal } = this.#loader;
      const loaded = await limit.run(async () => {
        signal.throwIfAborted();
        return load(spec, signal);
      });
      this.#servingKey = key;
      this.#failedKey = '';
      this.#retry.stop();
      this.#set({ state: 'READY', loaded, contentSha256: spec.contentSha256, refused: '' });
    } catch (error) {
      this.#fail(key, reasonOf(error));
      return this.#retry.after(error);
    }
    await old?.loaded.close().catch(() => undefined);
  }

  /** Settles when nothing of it is left; never rejects. */
  async retire(reason: string): Promise<void> {
    const old = this.#entry;
    this.#servingKey = this.#failedKey = '';
    this.#retry.stop();
    if (old.state === 'READY') {
      this.#set({ state: 'UNLOADING' });
      await old.loaded.close().catch(() => undefined);
    }
    if (old.state !== 'UNAVAILABLE' || old.reason !== reason) this.#set({ state: 'UNAVAILABLE', reason });
  }

  #fail(key: string, reason: string): void {
    const entry = this.#entry;
    const isKnown = key === this.#failedKey;
    this.#failedKey = key;
    if (entry.state === 'READY') {
      if (!isKnown || entry.refused !== reason) this.#set({ ...entry, refused: reason }, reason);
    } else if (!isKnown || entry.state !== 'UNAVAILABLE' || entry.reason !== reason) {
      this.#set({ state: 'UNAVAILABLE', reason });
    }
  }

  #set(entry: VersionEntry<L>, refused = ''): void {
    this.#entry = entry;
    this.#changed(entry, refused);
  }
}
