/** Looks at the models folder. Only what was touched since the last look is read again. */
import { readdir, realpath } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { FileMemory } from './file-memory.ts';
import { LastLook } from './last-look.ts';
import type { RepositoryModel, RepositorySnapshot } from './repository-snapshot.ts';
import { ModelScan } from './scan-model.ts';

export interface ScanOptions {
  /** How long a file must have stood still before it counts, ms. Default 1000. */
  readonly settleMs?: number;
}

export interface Look {
  readonly snapshot: RepositorySnapshot;
  /** False while files are being written: what they will hold is not in the snapshot yet, what they held is. */
  readonly settled: boolean;
  /** Folders whose changes matter. */
  readonly folders: readonly string[];
}

export const SETTLE_MS = 1000;
/** Models read at once: enough to keep a disk busy, few enough open files. */
const AT_ONCE = 4;

/** Looks once, waiting for files being written as `lookUntilSettled` does. Rejects when `root` cannot be read. */
export async function scanRepository(root: string, options: ScanOptions = {}): Promise<RepositorySnapshot> {
  const scanner = new RepositoryScanner(root, options);
  return (await lookUntilSettled(() => scanner.look(), options)).snapshot;
}

/** Looks again while files are being written, for at most five times `settleMs`. */
export async function lookUntilSettled(
  look: () => Promise<Look>,
  { settleMs = SETTLE_MS }: ScanOptions,
): Promise<Look> {
  for (let i = 0; ; i++) {
    const seen = await look();
    if (seen.settled || i === 20) return seen;
    await wait(settleMs / 4);
  }
}

/** Keeps what earlier looks found. One look at a time. */
export class RepositoryScanner {
  readonly #root: string;
  readonly #memory: FileMemory;
  readonly #last = new LastLook();

  constructor(root: string, { settleMs = SETTLE_MS }: ScanOptions = {}) {
    this.#root = root;
    this.#memory = new FileMemory(settleMs);
  }

  /** Rejects when the folder itself cannot be read: that is no reason to unload anything. */
  async look(): Promise<Look> {
    const root = await realpath(this.#root);
    const entries = (await readdir(root)).filter(name => !name.startsWith('.')).sort();
    this.#last.begin();
    this.#memory.beginLook();
    const scan = new ModelScan(root, this.#root, entries, this.#memory, this.#last);
    const folders = [root];
    const models: RepositoryModel[] = [];
    const queue = entries.values();
    const work = async (): Promise<void> => {
      for (const entry of queue) {
        const scanned = await scan.entry(entry);
        folders.push(...scanned.folders);
        if (scanned.model !== undefined) models.push(scanned.model);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    models.sort((a, b) => (a.name < b.name ? -1 : 1));
    const snapshot = { models: new Map(models.map(model => [model.name, model])) };
    return { snapshot, settled: this.#memory.endLook(), folders };
  }
}
