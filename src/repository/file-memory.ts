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

interface Held {
  readonly content: FileContent;
  readonly text: string;
}

interface Seen {
  readonly fingerprint: string;
  /** On the monotonic clock, ms. */
  readonly sinceMs: number;
  readonly held: { -readonly [What in keyof Held]?: Held[What] };
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
    const read = await this.#read(file, 'content', () => readContent(file, kind));
    if (read.state !== 'settled') return read;
    return { state: 'settled', value: { look: read.value.look, content: read.value.held } };
  }

  /** Text of a small file; at most 8 MiB of it. */
  async text(file: string): Promise<Settled<string>> {
    const read = await this.#read(file, 'text', async ({ bytes }) =>
      bytes > MAX_TEXT_BYTES ? '' : readFile(file, 'utf8'),
    );
    return read.state === 'settled' ? { state: 'settled', value: read.value.held } : read;
  }

  async #read<What extends keyof Held>(
    file: string,
    what: What,
    read: (look: FileLook) => Promise<Held[What]>,
  ): Promise<Settled<{ look: FileLook; held: Held[What] }>> {
    this.#touched.add(file);
    const look = await lookAtFile(file);
    if (look === undefined) return { state: 'absent' };
    const seen = this.#note(file, look);
    if (!this.#stoodStill(seen, look)) return this.#isMoving();
    const remembered: Held[What] | undefined = seen.held[what];
    if (remembered !== undefined) return { state: 'settled', value: { look, held: remembered } };
    try {
      const held = await read(look);
      const after = await lookAtFile(file);
      if (after?.fingerprint === look.fingerprint) {
        seen.held[what] = held;
        return { state: 'settled', value: { look, held } };
      }
    } catch {
      // Replaced or taken away while it was read.
    }
    this.#seen.delete(file);
    return this.#isMoving();
  }

  #note(file: string, { fingerprint }: FileLook): Seen {
    const before = this.#seen.get(file);
    if (before?.fingerprint === fingerprint) return before;
    const seen: Seen = { fingerprint, sinceMs: performance.now(), held: {} };
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
