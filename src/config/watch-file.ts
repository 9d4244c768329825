/**
 * Watches one file by its content. Its folder is watched, not the file: editors and Kubernetes replace files by
 * renaming, and a ConfigMap changes by a symlink above it. Polling covers file systems that tell nothing.
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';

export interface FileWatchOptions {
  /** How often to look without having been told, ms. */
  readonly pollMs?: number;
  /** How long a file must have kept its content before it counts, ms: a half-written one never does. */
  readonly settleMs?: number;
}

export interface FileWatch {
  /** Looks as the timer does: a change is reported when two looks in a row have seen it. */
  look(): Promise<void>;
  /** Looks now, and reports a change at once. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Calls `onText` with the file's text, undefined when it is gone, whenever that differs from `initial` or the last call. */
export function watchFile(
  file: string,
  initial: string | undefined,
  onText: (text: string | undefined) => void,
  { pollMs = 2000, settleMs = 200 }: FileWatchOptions = {},
): FileWatch {
  let reported = digest(initial);
  let pending: string | undefined;
  let looking: Promise<void> = Promise.resolve();
  let closed = false;
  let soon: NodeJS.Timeout | undefined;

  const look = async (settled: boolean): Promise<void> => {
    const text = await readText(file);
    if (closed || text === UNREADABLE) return;
    const seen = digest(text);
    if (seen === reported) {
      pending = undefined;
    } else if (settled || seen === pending) {
      [reported, pending] = [seen, undefined];
      onText(text);
    } else {
      pending = seen;
      lookSoon();
    }
  };
  const queue = (settled: boolean): Promise<void> => {
    looking = looking.then(() => (closed ? undefined : look(settled)));
    return looking;
  };
  const lookSoon = (): void => {
    clearTimeout(soon);
    if (!closed) soon = setTimeout(() => void queue(false), settleMs).unref();
  };

  let watcher = watchFolder(path.dirname(file), lookSoon);
  const poll = setInterval(() => {
    watcher ??= watchFolder(path.dirname(file), lookSoon);
    void queue(false);
  }, pollMs).unref();
  return {
    look: () => queue(false),
    check: () => queue(true),
    close: async () => {
      closed = true;
      clearInterval(poll);
      clearTimeout(soon);
      watcher?.close();
      watcher = undefined;
      await looking;
    },
  };
}

function watchFolder(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onChange);
    return watcher.on('error', () => watcher.close());
  } catch {
    return undefined; // The folder may come later; polling finds out.
  }
}

const UNREADABLE = Symbol('unreadable');

async function readText(file: string): Promise<string | undefined | typeof UNREADABLE> {
  try {
    return await readFile(await realpath(file), 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : UNREADABLE;
  }
}

function digest(text: string | undefined): string {
  return text === undefined ? '' : createHash('sha256').update(text).digest('hex');
}
