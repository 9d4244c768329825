/**
 * How many batches one worker of a version may have at once, found from how long they take: Netflix' Gradient2
 * (concurrency-limits, `Gradient2Limit` and `WindowedLimit`) with batches as its unit. It compares how long they take
 * lately with how long they have taken for ten minutes, and needs no probing: while they take no longer than half as
 * long again the limit grows by a batch a second or so, to as many as are configured; when they take longer it shrinks
 * in proportion. A batch is compared with those of its size: large ones take long without anybody waiting.
 *
 * It begins with what is configured. With eight or fewer it never shrinks: that is the queue it always leaves.
 */

const WINDOW_MS = 1000;
const LEAST_SAMPLES = 10;
/** Windows that the long mean goes back, and those in which it is a plain mean. */
const LONG_WINDOWS = 600;
const WARM_UP_WINDOWS = 10;
/** So many times as long as usual is no sign of a queue. */
const TOLERANCE = 1.5;
const LEAST_GRADIENT = 0.5;
/** Batches that may queue at the worker whatever the gradient. */
const QUEUE = 4;
const SMOOTHING = 0.2;
/** When the load has gone, the long mean comes down faster. */
const RECOVERED = 2;
const RECOVERY = 0.95;

/** A window's, against what is usual. */
export interface Gradient {
  /** Usual time of what ran ÷ what it took. */
  readonly ratio: number;
  /** The most that ran at once. */
  readonly inFlight: number;
}

/** Pure. Batches, not whole; from 1 to `most`. */
export function nextLimit(limit: number, most: number, { ratio, inFlight }: Gradient): number {
  // With most of it unused nothing is learned about it.
  if (inFlight < limit / 2) return limit;
  const gradient = Math.min(1, Math.max(LEAST_GRADIENT, TOLERANCE * ratio));
  const wanted = limit * gradient + QUEUE;
  return Math.min(most, Math.max(1, (1 - SMOOTHING) * limit + SMOOTHING * wanted));
}

interface Size {
  /** ms. */
  longMs: number;
  windows: number;
  /** Of this window. */
  sumMs: number;
  count: number;
}

export class AdaptiveLimit {
  readonly #most: number;
  readonly #sizes = new Map<number, Size>();
  #limit: number;
  #since: number;
  #count = 0;
  #inFlight = 0;

  constructor(most: number, now: number) {
    this.#most = most;
    this.#limit = most;
    this.#since = now;
  }

  /** Whole batches, at least 1. */
  get batches(): number {
    return Math.max(1, Math.floor(this.#limit));
  }

  /** A batch of `rows` took `ms`, with `inFlight` there at once, itself included. Returns whether the limit may have changed. */
  add(rows: number, ms: number, inFlight: number, now: number): boolean {
    const size = this.#sizeOf(rows);
    size.sumMs += ms;
    size.count++;
    this.#inFlight = Math.max(this.#inFlight, inFlight);
    if (++this.#count < LEAST_SAMPLES || now - this.#since < WINDOW_MS) return false;
    const ratio = this.#closeWindow();
    if (ratio !== undefined) {
      this.#limit = nextLimit(this.#limit, this.#most, { ratio, inFlight: this.#inFlight });
    }
    this.#since = now;
    this.#count = 0;
    this.#inFlight = 0;
    return true;
  }

  /** Two to the octave. */
  #sizeOf(rows: number): Size {
    const bucket = Math.round(2 * Math.log2(rows));
    let size = this.#sizes.get(bucket);
    if (size === undefined) {
      size = { longMs: 0, windows: 0, sumMs: 0, count: 0 };
      this.#sizes.set(bucket, size);
    }
    return size;
  }

  /** Usual ÷ this window's; undefined where nothing of it is known yet. */
  #closeWindow(): number | undefined {
    let usualMs = 0;
    let tookMs = 0;
    for (const size of this.#sizes.values()) {
      if (size.count === 0) continue;
      if (size.windows > 0) {
        usualMs += size.longMs * size.count;
        tookMs += size.sumMs;
      }
      learn(size);
    }
    return tookMs > 0 ? usualMs / tookMs : undefined;
  }
}

function learn(size: Size): void {
  const meanMs = size.sumMs / size.count;
  const weight = size.windows < WARM_UP_WINDOWS ? 1 / (size.windows + 1) : 2 / (LONG_WINDOWS + 1);
  size.longMs += weight * (meanMs - size.longMs);
  if (size.longMs > RECOVERED * meanMs) size.longMs *= RECOVERY;
  size.windows++;
  size.sumMs = 0;
  size.count = 0;
}
