import type { Slot } from '../inference.ts';
import type { LatencyPoint } from './latency-points.ts';

/** One batch that a worker has. */
interface Sent {
  readonly slot: Slot;
  readonly expected: LatencyPoint | undefined;
  /** Behind another on the same workers: it begins when one of them ends. */
  behind: boolean;
  yielded: boolean;
  /** When it should end, and when the batch after it should leave to be there by then, ms. */
  endsAt: number;
  nextAt: number;
}

/**
 * The batches that workers have, and when each should end. Says when the next batch is to be sent ahead: just so early that
 * it arrives as the one before it ends, because closing it earlier would only make it smaller. A batch sent
 * at t and computed for r ms is answered at t + r + (way there and back): its successor leaves at t + r.
 */
export class UnderWay {
  readonly #sent: Sent[] = [];

  get count(): number {
    return this.#sent.length;
  }

  /** `expected`: what it should take; undefined: not known, and nothing is sent ahead of its end. */
  add(slot: Slot, expected: LatencyPoint | undefined, now: number): Sent {
    const behind = this.#sent.some(({ yielded }) => yielded);
    const sent: Sent = { slot, expected, behind, yielded: false, endsAt: 0, nextAt: 0 };
    this.#begin(sent, now);
    this.#sent.push(sent);
    return sent;
  }

  /** True when it was behind another at any time: its round trip says nothing of the way. */
  end(sent: Sent, now: number): void {
    const at = this.#sent.indexOf(sent);
    if (at >= 0) this.#sent.splice(at, 1);
    if (!sent.yielded) return;
    const next = this.#sent.find(({ behind }) => behind);
    if (next === undefined) return;
    next.behind = false;
    // It has begun by now, half the way before the answer came; its own answer takes the other half.
    this.#begin(next, now - (next.expected?.overheadMs ?? 0));
  }

  /** Until the first of them should end, ms; 0 when none runs. */
  soonestMs(now: number): number {
    let soonest = Number.POSITIVE_INFINITY;
    for (const { endsAt } of this.#sent) soonest = Math.min(soonest, endsAt);
    return soonest === Number.POSITIVE_INFINITY ? 0 : Math.max(0, soonest - now);
  }

  /** When the last of what runs should have ended, when that is so long ago; undefined: it is not, or nothing runs. */
  overdueSince(byMs: number, now: number): number | undefined {
    let last: number | undefined;
    for (const { endsAt, expected } of this.#sent) {
      if (expected === undefined || now < endsAt + byMs) return undefined;
      last = Math.max(last ?? endsAt, endsAt);
    }
    return last;
  }

  /** When the next batch may be sent ahead, ms; Infinity when none may. */
  get nextAt(): number {
    return this.#next()?.nextAt ?? Number.POSITIVE_INFINITY;
  }

  /** The engine's time of the batch that ends next, and the way there and back, ms; undefined when none may be followed. */
  get nextExpected(): LatencyPoint | undefined {
    return this.#next()?.expected;
  }

  /** Gives on the seat of the batch that ends next; false when that is not allowed now. */
  yieldNext(): boolean {
    const next = this.#next();
    if (next === undefined || !next.slot.yieldNext()) return false;
    next.yielded = true;
    return true;
  }

  #next(): Sent | undefined {
    let first: Sent | undefined;
    for (const sent of this.#sent) {
      if (
        !sent.yielded &&
        sent.expected !== undefined &&
        sent.nextAt < (first?.nextAt ?? Number.POSITIVE_INFINITY)
      )
        first = sent;
    }
    return first;
  }

  #begin(sent: Sent, at: number): void {
    const { expected } = sent;
    sent.nextAt = expected === undefined ? Number.POSITIVE_INFINITY : at + expected.runMs;
    sent.endsAt = at + (expected === undefined ? 0 : expected.runMs + expected.overheadMs);
  }
}

export type { Sent };
