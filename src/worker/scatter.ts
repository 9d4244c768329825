import type { Placed } from './slot.ts';

/** Shorter rests are read together with what follows them, and copied. */
const DIRECT_FROM_BYTES = 16 * 1024;

/**
 * Spreads a stream of bytes over places in a buffer, one after the other: the worker's one copy of a tensor. By
 * `Buffer.copy`: V8 writes shared memory word by word where source and target are not aligned alike, 64 KB in 25 µs
 * instead of 2.6.
 */
export class Scatter {
  readonly #target: Uint8Array;
  readonly #places: readonly Placed[];
  #place = 0;
  #filled = 0;

  constructor(target: Uint8Array, places: readonly Placed[]) {
    this.#target = target;
    this.#places = places;
  }

  /** The rest of the place to be filled next, where that is long enough for a read of its own; else undefined. */
  room(): Uint8Array | undefined {
    const place = this.#places[this.#place];
    if (place === undefined || place.byteLength - this.#filled < DIRECT_FROM_BYTES) return undefined;
    return this.#target.subarray(place.offset + this.#filled, place.offset + place.byteLength);
  }

  /** That many bytes were written into what `room` gave. */
  filled(bytes: number): void {
    this.#filled += bytes;
    if (this.#filled < (this.#places[this.#place] as Placed).byteLength) return;
    this.#place++;
    this.#filled = 0;
  }

  /** All writes together must not be longer than all places together. */
  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const { offset, byteLength } = this.#places[this.#place] as Placed;
      const end = Math.min(chunk.length, at + byteLength - this.#filled);
      chunk.copy(this.#target, offset + this.#filled, at, end);
      this.#filled += end - at;
      at = end;
      if (this.#filled === byteLength) {
        this.#place++;
        this.#filled = 0;
      }
    }
  }
}
