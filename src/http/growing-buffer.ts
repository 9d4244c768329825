const SMALLEST_BYTES = 16 * 1024;
/** Doubling copies; above this size the next step is the limit itself, untouched memory, so that no copy exceeds it. */
const LARGEST_COPY_BYTES = 4 * 1024 * 1024;

/** Bytes of unknown length, placed one after another in one buffer of at most `maxBytes`. */
export class GrowingBuffer {
  readonly #maxBytes: number;
  #buffer: Buffer;
  #length = 0;

  /** `expectedBytes`: the exact length where it is known; then nothing is ever copied twice. */
  constructor(maxBytes: number, expectedBytes?: number) {
    this.#maxBytes = maxBytes;
    this.#buffer = Buffer.allocUnsafeSlow(expectedBytes ?? Math.min(SMALLEST_BYTES, maxBytes));
  }

  get length(): number {
    return this.#length;
  }

  /** The caller has checked that `length + chunk.length` is at most `maxBytes`. */
  append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  /** The bytes so far, as a view. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    let capacity = Math.max(this.#buffer.length, SMALLEST_BYTES);
    while (capacity < needed) capacity = capacity > LARGEST_COPY_BYTES ? this.#maxBytes : capacity * 2;
    const grown = Buffer.allocUnsafeSlow(Math.min(capacity, this.#maxBytes));
    grown.set(this.bytes());
    this.#buffer = grown;
  }
}
