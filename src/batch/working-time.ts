/**
 * A clock, ms, that stands still while a version has no worker, or only ones that hang: what comes to nothing then says
 * nothing of how fast work is done, and whoever is late for it was not foreseen wrongly.
 */
export class WorkingTime {
  #lostMs = 0;
  #since: number | undefined;
  #endedAt = Number.NEGATIVE_INFINITY;

  at(now: number): number {
    return (this.#since ?? now) - this.#lostMs;
  }

  /** `since` when it has stood still, which is noticed later; undefined: it does not. */
  note(since: number | undefined, now: number): void {
    if (since !== undefined) this.#since ??= since;
    else if (this.#since !== undefined) {
      this.#lostMs += now - this.#since;
      this.#since = undefined;
      this.#endedAt = now;
    }
  }

  /** Whether it stood still at any time since then. */
  stoodSince(then: number): boolean {
    return this.#since !== undefined || this.#endedAt > then;
  }
}
