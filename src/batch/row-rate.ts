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

  add(rows: number, now: number): void {
    this.#rows = this.#rows * Math.exp((this.#at - now) / WINDOW_MS) + rows;
    this.#at = now;
  }

  /** Rows per ms over about the last second. */
  rowsPerMs(now: number): number {
    const faded = this.#rows * Math.exp((this.#at - now) / WINDOW_MS);
    // In its first second the count has not seen a whole window yet.
    const seen = 1 - Math.exp((this.#since - now) / WINDOW_MS);
    return seen <= 0 ? 0 : faded / (WINDOW_MS * seen);
  }
}

/** When what waits now will have been served at this rate, ms; between 1 ms and 30 s. */
export function retryAfterMs(waitingRows: number, rowsPerMs: number): number {
  if (rowsPerMs <= 0) return UNKNOWN_RETRY_MS;
  return Math.min(MAX_RETRY_MS, Math.max(1, Math.ceil(waitingRows / rowsPerMs)));
}
