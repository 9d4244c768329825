/** How many different inputs a version has failed on with no success in between. */
import { createHash } from 'node:crypto';
import type { Execution } from '../inference.ts';

/** Of one run: inputs that differ only further on count as one. Hashing as many takes 0.2 ms. */
const MAX_HASHED_BYTES = 256 * 1024;
/** As many parts of an input are looked at. */
const MAX_PARTS = 64;

/** Bounded by `enough`; a success empties it. */
export class DistinctFailures {
  readonly #enough: number;
  readonly #seen = new Set<string>();

  constructor(enough: number) {
    this.#enough = enough;
  }

  /** True when that makes enough. */
  add(execution: Execution): boolean {
    if (this.#seen.size < this.#enough) this.#seen.add(fingerprint(execution));
    return this.#seen.size >= this.#enough;
  }

  clear(): void {
    if (this.#seen.size > 0) this.#seen.clear();
  }
}

function fingerprint({ inputs }: Execution): string {
  const hash = createHash('sha256');
  let left = MAX_HASHED_BYTES;
  for (const { name, shape, parts } of inputs) {
    hash.update(`${name} ${shape.join(',')};`);
    for (const part of parts.slice(0, MAX_PARTS)) {
      hash.update(part.subarray(0, left));
      left = Math.max(0, left - part.byteLength);
    }
  }
  return hash.digest('base64');
}
