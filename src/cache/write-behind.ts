/** Of a turn of the event loop, ms. */
const WRITING_MS = 0.5;
/** What a value takes besides its bytes: its name, its head and the client's objects. */
const OVERHEAD_BYTES = 1024;

interface Unwritten {
  /** Of memory, until it is written. */
  readonly takes: number;
  readonly write: () => Promise<unknown>;
}

/**
 * Writes nobody waits for: a little in each turn of the event loop, because a value is encoded and summed up first, and
 * no more at once than `maxBytes`. What does not fit is dropped, and so is what cannot be written.
 */
export class WriteBehind {
  readonly #maxBytes: number;
  readonly #unwritten: Unwritten[] = [];
  #bytes = 0;
  #isWriting = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Calls `write` soon, for a value of so many bytes. */
  add(bytes: number, write: () => Promise<unknown>): void {
    const takes = bytes + OVERHEAD_BYTES;
    if (this.#bytes + takes > this.#maxBytes) return;
    this.#bytes += takes;
    this.#unwritten.push({ takes, write });
    if (this.#isWriting) return;
    this.#isWriting = true;
    setImmediate(() => this.#goOn());
  }

  #goOn(): void {
    const began = performance.now();
    let begun = 0;
    while (begun < this.#unwritten.length && performance.now() - began < WRITING_MS) {
      void this.#write(this.#unwritten[begun++] as Unwritten);
    }
    this.#unwritten.splice(0, begun);
    this.#isWriting = this.#unwritten.length > 0;
    if (this.#isWriting) setImmediate(() => this.#goOn());
  }

  async #write({ takes, write }: Unwritten): Promise<void> {
    try {
      await write();
    } catch {
      // Nobody asked for it yet.
    }
    this.#bytes -= takes;
  }
}
