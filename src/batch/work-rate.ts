import { RowRate, retryAfterMs } from './row-rate.ts';
import { WorkingTime } from './working-time.ts';

/** All workers have been busy for so long: what has left the queue since is what they can do. */
const SEEN_AFTER_MS = 1000;

/**
 * How many rows a version's workers get done, as seen while something waited without a pause, in working time; and what
 * is to be believed while nothing has been seen of it yet.
 */
export class WorkRate {
  readonly #working = new WorkingTime();
  readonly #drained: RowRate;
  /** Since when something has waited without a pause, in working time, ms. */
  #busySince = Number.POSITIVE_INFINITY;
  /** By how many workers there are: of what they should do, what they were seen to when they were last busy. */
  readonly #usualShares: number[] = [];

  constructor(now: number) {
    this.#drained = new RowRate(now);
  }

  /** Rows leave the queue; 0: they left it before. */
  sent(rows: number, now: number): void {
    this.#working.note(undefined, now);
    if (rows > 0) this.#drained.add(rows, this.#working.at(now));
  }

  /** Somebody comes while something waits: since when nothing has been done; undefined: something is. */
  waits(standsSince: number | undefined, now: number): void {
    this.#working.note(standsSince, now);
  }

  /** Somebody comes and nothing waits. */
  rests(now: number): void {
    this.#busySince = this.#working.at(now);
  }

  /** Nothing waits any more. */
  ends(): void {
    this.#busySince = Number.POSITIVE_INFINITY;
  }

  /**
   * Rows a ms that `total` workers do, of `possible` by how long their runs take. When work begins anew, as behind a
   * worker that was replaced, nothing of it has been seen: two workers that share their cores with the gateway then did
   * half of what their runs promised, a queue was let in that took twice as long as foreseen, and for half a minute the
   * margin that this taught refused what could have been answered. So what was seen last is believed of the next.
   */
  rowsPerMs(total: number, possible: number, now: number): number {
    const seen = this.#seenRowsPerMs(now);
    if (seen === undefined) return (this.#usualShares[total] ?? 1) * possible;
    if (possible > 0) this.#usualShares[total] = Math.min(1, seen / possible);
    return seen;
  }

  /** Whether nothing was done at any time since then. */
  stoodSince(then: number): boolean {
    return this.#working.stoodSince(then);
  }

  /** When so many rows will have been done, ms. */
  retryAfterMs(waitingRows: number, now: number): number {
    return retryAfterMs(waitingRows, this.#drained.rowsPerMs(this.#working.at(now)));
  }

  #seenRowsPerMs(now: number): number | undefined {
    const at = this.#working.at(now);
    if (at - this.#busySince < SEEN_AFTER_MS) return undefined;
    const seen = this.#drained.rowsPerMs(at);
    return seen > 0 ? seen : undefined;
  }
}
