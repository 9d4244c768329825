/** Follows the models folder: told by the file system where it tells, by looking every so often where it does not. */
import { type FSWatcher, watch } from 'node:fs';
import type { RepositorySnapshot } from './repository-snapshot.ts';
import { type Look, lookUntilSettled, RepositoryScanner, type ScanOptions, SETTLE_MS } from './scan.ts';

export interface WatchOptions extends ScanOptions {
  /** How long after a look to look again without having been told, ms; longer where looks are slow. Default 2000. */
  readonly pollMs?: number;
  /** How long to let changes gather before a look, ms. Default 100. */
  readonly debounceMs?: number;
  /** Told when the folder cannot be read, once until it can; what is loaded stays. */
  readonly onError?: (error: Error) => void;
}

/** Folders watched at most; changes in more are found by polling. */
const MAX_WATCHED = 1024;
const POLL_MS = 2000;
/**
 * Of the time, at most, for looking without having been told. Every 2 s, a hundred models cost an idle gateway 4 % of
 * a core and 1,100 wake-ups a second, most of them for changes that the file system tells of anyway.
 */
const LOOKING_SHARE = 0.02;
const LONGEST_PAUSE_MS = 30_000;

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
  #poll: NodeJS.Timeout | undefined;
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
    clearTimeout(this.#poll);
    clearTimeout(this.#soon);
    for (const watcher of this.#watched.values()) watcher.close();
    this.#watched.clear();
    await this.#looking;
  }

  async #look(tell: boolean): Promise<Look> {
    const beganMs = performance.now();
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
    } finally {
      this.#pollAfter(performance.now() - beganMs);
    }
  }

  #pollAfter(lookMs: number): void {
    clearTimeout(this.#poll);
    if (this.#closed) return;
    const pauseMs = pauseAfterLook(lookMs, this.#options.pollMs ?? POLL_MS);
    this.#poll = setTimeout(() => this.#lookSoon(0), pauseMs).unref();
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

/** Between a look that took `lookMs` and the next without having been told: `pollMs`, or longer where looks are slow. */
export function pauseAfterLook(lookMs: number, pollMs: number): number {
  return Math.max(pollMs, Math.min(lookMs / LOOKING_SHARE, LONGEST_PAUSE_MS));
}

/** Equal for snapshots between which nothing that matters has changed. */
function comparable(snapshot: RepositorySnapshot): string {
  return JSON.stringify([...snapshot.models.values()], (_, value) =>
    value instanceof Map ? [...value] : value,
  );
}
