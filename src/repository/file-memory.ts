/**
 * Remembers what files held, so that a look at the whole repository reads only what was touched since the last
 * one, and so that a file still being written is told from a finished one: its size and times must have stood
 * still for `settleMs`.
 */
import { readFile } from 'node:fs/promises';
import { type FileContent, type FileLook, lookAtFile, readContent } from './file-fingerprint.ts';

/** 'moving': being written; look again later. */
export type Settled<T> =
  | { readonly state: 'settled'; readonly value: T }
  | { readonly state: 'moving' }
  | { readonly state: 'absent' };

interface Seen {
  fingerprint: string;
  /** On the monotonic clock, ms. */
  sinceMs: number;
  content: FileContent | undefined;
  text: string | undefined;
}

const MAX_TEXT_BYTES = 8 * 1024 * 1024;

export class FileMemory {
  readonly #settleMs: number;
  readonly #seen = new Map<string, Seen>();
  #touched = new Set<string>();
  #moving = false;

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  beginLook(): void {
    this.#touched = new Set();
    this.#moving = false;
  }

  /** Forgets files not asked for since `beginLook`; true when none was moving. */
  endLook(): boolean {
    for (const file of this.#seen.keys()) if (!this.#touched.has(file)) this.#seen.delete(file);
    return !this.#moving;
  }

  async content(
    file: string,
    kind: 'onnx' | 'data',
  ): Promise<Settled<{ look: FileLook; content: FileContent }>> {
    return this.#read(file, async (seen, look) => {
      seen.content ??= await readContent(file, kind);
      return { look, content: seen.content };
    });
  }

  /** Text of a small file; at most 8 MiB of it. */
  async text(file: string): Promise<Settled<string>> {
    return this.#read(file, async (seen, look) => {
      if (look.bytes > MAX_TEXT_BYTES) return '';
      seen.text ??= await readFile(file, 'utf8');
      return seen.text;
    });
  }

  async #read<T>(file: string, read: (seen: Seen, look: FileLook) => Promise<T>): Promise<Settled<T>> {
    this.#touched.add(file);
    const look = await lookAtFile(file);
    if (look === undefined) return { state: 'absent' };
    const seen = this.#note(file, look);
    if (!this.#stoodStill(seen, look)) return this.#isMoving();
    try {
      const value = await read(seen, look);
      const after = await lookAtFile(file);
      if (after?.fingerprint === look.fingerprint) return { state: 'settled', value };
    } catch {
      // Replaced or taken away while it was read.
    }
    this.#seen.delete(file);
    return this.#isMoving();
  }

  #note(file: string, { fingerprint }: FileLook): Seen {
    const before = this.#seen.get(file);
    if (before?.fingerprint === fingerprint) return before;
    const seen: Seen = { fingerprint, sinceMs: performance.now(), content: undefined, text: undefined };
    this.#seen.set(file, seen);
    return seen;
  }

  /** By the file's own clock, or by ours where that one is ahead. */
  #stoodStill({ sinceMs }: Seen, { modifiedMs }: FileLook): boolean {
    return Date.now() - modifiedMs >= this.#settleMs || performance.now() - sinceMs >= this.#settleMs;
  }

  #isMoving(): { readonly state: 'moving' } {
    this.#moving = true;
    return { state: 'moving' };
  }
}
