/**
 * Buffers that request bodies are put together in, used again once the worker has answered. A fresh one costs its
 * page faults each time: 64 rows of 3 KB took the gateway 277 µs of CPU a round trip in fresh buffers, 90 in kept ones.
 */
const MIN_BYTES = 64 * 1024;
/** A body above it gets a buffer of its own, which is not kept. */
const MAX_KEPT_BYTES = 2 * 1024 * 1024;

export class SendBuffers {
  readonly #free: Buffer[] = [];
  readonly #limit: number;

  /** At most `limit` are kept: as many as there can be requests at once. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** At least `bytes` long, with anything in it. */
  take(bytes: number): Buffer {
    for (let i = this.#free.length - 1; i >= 0; i--) {
      const buffer = this.#free[i] as Buffer;
      if (buffer.byteLength < bytes) continue;
      this.#free.splice(i, 1);
      return buffer;
    }
    // Batches of a model grow and shrink: the next power of two serves most of them.
    const size = bytes > MAX_KEPT_BYTES ? bytes : 2 ** Math.ceil(Math.log2(Math.max(MIN_BYTES, bytes)));
    return Buffer.allocUnsafeSlow(size);
  }

  /** Gives one back that nobody reads from any more. The largest are kept. */
  give(buffer: Buffer): void {
    if (buffer.byteLength > MAX_KEPT_BYTES) return;
    this.#free.push(buffer);
    if (this.#free.length <= this.#limit) return;
    let smallest = 0;
    for (let i = 1; i < this.#free.length; i++) {
      if ((this.#free[i] as Buffer).byteLength < (this.#free[smallest] as Buffer).byteLength) smallest = i;
    }
    this.#free.splice(smallest, 1);
  }
}
