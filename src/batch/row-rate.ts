/** How fast rows left the queue lately, and so when a refused caller may try again. */

const WINDOW_MS = 1000;
const UNKNOWN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** An exponentially fading count of rows; half a second of silence loses 40 % of it. */
export class RowRate {
  #rows = 0;
  #at: number;
  readonly #since: number;

  constructor(now: number) {
    this.#at = now;
    this.#since = now;
  }

  /** By a clock that may be a little behind what it was: that fades nothing. */
  add(rows: number, now: number): void {
    this.#rows = this.#faded(now) + rows;
    this.#at = Math.max(this.#at, now);
  }

  /** Rows per ms over about the last second. */
  rowsPerMs(now: number): number {
    // In its first second the count has not seen a whole window yet.
    const seen = 1 - Math.exp((this.#since - now) / WINDOW_MS);
    return seen <= 0 ? 0 : this.#faded(now) / (WINDOW_MS * seen);
  }

  #faded(now: number): number {
    return this.#rows * Math.exp(Math.min(0, this.#at - now) / WINDOW_MS);
  }
}

/** When what waits now will have been served at this rate, ms; between 1 ms and 30 s. */
export function retryAfterMs(waitingRows: number, rowsPerMs: number): number {
  if (rowsPerMs <= 0) return UNKNOWN_RETRY_MS;
  return Math.min(MAX_RETRY_MS, Math.max(1, Math.ceil(waitingRows / rowsPerMs)));
}
