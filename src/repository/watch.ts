/** Follows the models folder: told by the file system where it tells, by looking every so often where it does not. */
import { type FSWatcher, watch } from 'node:fs';
import type { RepositorySnapshot } from './repository-snapshot.ts';
import { type Look, lookUntilSettled, RepositoryScanner, type ScanOptions, SETTLE_MS } from './scan.ts';

export interface WatchOptions extends ScanOptions {
  /** How often to look without having been told, ms. Default 2000. */
  readonly pollMs?: number;
  /** How long to let changes gather before a look, ms. Default 100. */
  readonly debounceMs?: number;
  /** Told when the folder cannot be read, once until it can; what is loaded stays. */
  readonly onError?: (error: Error) => void;
}

/** Folders watched at most; changes in more are found by polling. */
const MAX_WATCHED = 1024;

export interface RepositoryWatch {
  /**
   * The first snapshot, as it was told to `onSnapshot`: once files being written have settled, or five times
   * `settleMs` have passed. Rejects when the folder cannot be read; watching goes on all the same.
   */
  readonly first: Promise<RepositorySnapshot>;
  /** Looks now and waits for files being written as `first` does. Tells `onSnapshot` first if anything differs. */
  rescan(): Promise<RepositorySnapshot>;
  close(): Promise<void>;
}

/** Calls `onSnapshot` with the first snapshot and whenever something that matters has changed. */
export function watchRepository(
  root: string,
  onSnapshot: (snapshot: RepositorySnapshot) => void,
  options: WatchOptions = {},
): RepositoryWatch {
  return new RepositoryWatcher(root, onSnapshot, options);
}

class RepositoryWatcher implements RepositoryWatch {
  readonly first: Promise<RepositorySnapshot>;
  readonly #scanner: RepositoryScanner;
  readonly #onSnapshot: (snapshot: RepositorySnapshot) => void;
  readonly #options: WatchOptions;
  readonly #poll: NodeJS.Timeout;
  readonly #watched = new Map<string, FSWatcher>();
  #soon: NodeJS.Timeout | undefined;
  #looking: Promise<unknown> = Promise.resolve();
  #told: string | undefined;
  #failing = false;
  #started = false;
  #closed = false;

  constructor(root: string, onSnapshot: (snapshot: RepositorySnapshot) => void, options: WatchOptions) {
    this.#scanner = new RepositoryScanner(root, options);
    this.#onSnapshot = onSnapshot;
    this.#options = options;
    this.#poll = setInterval(() => this.#lookSoon(0), options.pollMs ?? 2000).unref();
    this.first = this.rescan().finally(() => {
      this.#started = true;
    });
    this.first.catch(() => undefined);
  }

  #lookSoon(ms = this.#options.debounceMs ?? 100): void {
    if (this.#closed || this.#soon !== undefined) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      void this.#queueLook(this.#started).catch(() => undefined);
    }, ms).unref();
  }

  async rescan(): Promise<RepositorySnapshot> {
    const { snapshot } = await lookUntilSettled(() => this.#queueLook(false), this.#options);
    this.#tell(snapshot);
    return snapshot;
  }

  #queueLook(tell: boolean): Promise<Look> {
    const look = this.#looking.then(() => this.#look(tell));
    this.#looking = look.catch(() => undefined);
    return look;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    for (const watcher of this.#watched.values()) watcher.close();
    this.#watched.clear();
    await this.#looking;
  }

  async #look(tell: boolean): Promise<Look> {
    try {
      const look = await this.#scanner.look();
      this.#failing = false;
      if (this.#closed) return { ...look, settled: true };
      this.#watchFolders(look.folders);
      if (!look.settled) this.#lookSoon((this.#options.settleMs ?? SETTLE_MS) / 4);
      if (tell) this.#tell(look.snapshot);
      return look;
    } catch (error) {
      if (!this.#failing && !this.#closed) this.#options.onError?.(error as Error);
      this.#failing = true;
      throw error;
    }
  }

  #tell(snapshot: RepositorySnapshot): void {
    const text = comparable(snapshot);
    if (this.#closed || text === this.#told) return;
    this.#told = text;
    this.#onSnapshot(snapshot);
  }

  #watchFolders(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, MAX_WATCHED));
    for (const [folder, watcher] of this.#watched) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watched.delete(folder);
    }
    for (const folder of wanted) if (!this.#watched.has(folder)) this.#watchFolder(folder);
  }

  #watchFolder(folder: string): void {
    const forget = (): void => {
      this.#watched.get(folder)?.close();
      this.#watched.delete(folder);
    };
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#lookSoon());
      this.#watched.set(folder, watcher.on('error', forget));
    } catch {
      // Gone again, or no more watches to be had: polling finds what changes there.
    }
  }
}

/** Equal for snapshots between which nothing that matters has changed. */
function comparable(snapshot: RepositorySnapshot): string {
  return JSON.stringify([...snapshot.models.values()], (_, value) =>
    value instanceof Map ? [...value] : value,
  );
}
