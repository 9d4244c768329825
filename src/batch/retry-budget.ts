/** Extra runs for each first one, */
const SHARE = 0.1;
/** or so many a second where that is more, */
const LEAST_PER_SECOND = 3;
/** and so many at once. */
const MOST = 100;

/**
 * How many runs a model may have beside the first ones: retries, hedges and shadow runs share it, so that trouble is
 * never multiplied by its own remedies. A token bucket, as in gRPC's retry throttling (A6) and Linkerd's budgets.
 */
export class RetryBudget {
  #tokens = LEAST_PER_SECOND;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** A run that is nobody's second. */
  ran(): void {
    this.#tokens = Math.min(MOST, this.#tokens + SHARE);
  }

  /** True, and spent, when one more run is allowed; `now` in ms. */
  take(now: number): boolean {
    const earned = ((now - this.#at) / 1000) * LEAST_PER_SECOND;
    this.#at = now;
    // Time alone never saves up more than a second's worth.
    if (this.#tokens < LEAST_PER_SECOND) this.#tokens = Math.min(LEAST_PER_SECOND, this.#tokens + earned);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
