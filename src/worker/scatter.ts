import type { Placed } from './slot.ts';

/** Spreads a stream of bytes over places in a buffer, one after the other: the worker's one copy of a tensor. */
export class Scatter {
  readonly #target: Uint8Array;
  readonly #places: readonly Placed[];
  #place = 0;
  #filled = 0;

  constructor(target: Uint8Array, places: readonly Placed[]) {
    this.#target = target;
    this.#places = places;
  }

  /** All writes together must not be longer than all places together. */
  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const { offset, byteLength } = this.#places[this.#place] as Placed;
      const end = Math.min(chunk.length, at + byteLength - this.#filled);
      this.#target.set(chunk.subarray(at, end), offset + this.#filled);
      this.#filled += end - at;
      at = end;
      if (this.#filled === byteLength) {
        this.#place++;
        this.#filled = 0;
      }
    }
  }
}
