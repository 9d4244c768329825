/** Answers over time, in buckets: when the gateway does its full work again, and whom a fault cost an answer. */

const BUCKET_MS = 100;
/** Of the usual rate: the gateway does its full work again. */
const FULL = 0.95;
/** At the full rate for so long, ms, it is not by chance. */
const STEADY_MS = 500;

export class Timeline {
  readonly answered: Uint32Array;
  readonly refused: Uint32Array;
  readonly #startedAt: number;

  constructor(seconds: number, startedAt: number) {
    const buckets = Math.ceil((seconds * 1000) / BUCKET_MS);
    this.answered = new Uint32Array(buckets);
    this.refused = new Uint32Array(buckets);
    this.#startedAt = startedAt;
  }

  readonly note = ({ status }: { readonly status: number }): void => {
    const counts = status === 200 ? this.answered : this.refused;
    const bucket = Math.floor((performance.now() - this.#startedAt) / BUCKET_MS);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  };

  refusedBetween(fromMs: number, toMs: number): number {
    return sum(this.refused.subarray(Math.floor(fromMs / BUCKET_MS), Math.floor(toMs / BUCKET_MS)));
  }

  /** Answers in each tenth of a second. */
  answeredBetween(fromMs: number, toMs: number): number[] {
    return [...this.answered.subarray(Math.floor(fromMs / BUCKET_MS), Math.floor(toMs / BUCKET_MS))];
  }

  /** Until half a second at the full rate begins, ms; Infinity: it never does. */
  recoveredAfterMs(atMs: number, ratePerSecond: number): number {
    return recoveredAfterMs(this.answered, atMs, (ratePerSecond * BUCKET_MS) / 1000);
  }
}

/** `usual`: answers in a bucket. */
export function recoveredAfterMs(answered: Uint32Array, atMs: number, usual: number): number {
  const buckets = STEADY_MS / BUCKET_MS;
  for (let from = Math.ceil(atMs / BUCKET_MS); from + buckets <= answered.length; from++) {
    if (sum(answered.subarray(from, from + buckets)) >= FULL * usual * buckets)
      return from * BUCKET_MS - atMs;
  }
  return Number.POSITIVE_INFINITY;
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0);
}
