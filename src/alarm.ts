/** Longer timeouts make Node's timer fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * One timer for many moments: it only ever knows the earliest. It is not moved when that moment loses its meaning,
 * so `ring` must look what is due, may find nothing, and sets the alarm for what comes next.
 */
export class Alarm {
  readonly #now: () => number;
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(now: () => number, ring: () => void) {
    this.#now = now;
    this.#ring = () => {
      this.#timer = undefined;
      this.#at = Number.POSITIVE_INFINITY;
      ring();
    };
  }

  /** Rings at `at` ms, never before something earlier that it is already set for. */
  setFor(at: number): void {
    if (at >= this.#at) return;
    this.clear();
    this.#at = at;
    const waitMs = Math.min(MAX_TIMEOUT_MS, Math.max(1, Math.ceil(at - this.#now())));
    this.#timer = setTimeout(this.#ring, waitMs);
    this.#timer.unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
