/** As many of the newest durations as say what is usual now. */
const KEPT = 50;
/** Quantiles are computed anew after so many more; sorting 50 takes 3 µs. */
const REFRESH_AFTER = 8;

/** The newest durations of one kind of thing, ms, and their quantiles. */
export class LatencySamples {
  readonly #ms = new Float64Array(KEPT);
  #count = 0;
  #next = 0;
  #since = 0;
  #typicalMs = Number.NaN;
  #upperMs = Number.NaN;
  #lowerMs = Number.NaN;

  /** How many it knows; it forgets all but the newest 50. */
  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    this.#ms[this.#next] = ms;
    this.#next = (this.#next + 1) % KEPT;
    this.#count = Math.min(KEPT, this.#count + 1);
    if (++this.#since >= REFRESH_AFTER || this.#count < REFRESH_AFTER) this.#refresh();
  }

  /** The median; NaN when there is none. */
  get typicalMs(): number {
    return this.#typicalMs;
  }

  /** The 95th percentile; NaN when there is none. */
  get upperMs(): number {
    return this.#upperMs;
  }

  /** The lower quartile: what it takes when nothing else gets in the way; NaN when there is none. */
  get lowerMs(): number {
    return this.#lowerMs;
  }

  #refresh(): void {
    this.#since = 0;
    const sorted = this.#ms.slice(0, this.#count).sort();
    this.#typicalMs = sorted[this.#count >> 1] as number;
    this.#lowerMs = sorted[this.#count >> 2] as number;
    this.#upperMs = sorted[Math.floor(this.#count * 0.95)] as number;
  }
}
