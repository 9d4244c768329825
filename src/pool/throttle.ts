/**
 * How often a server that refuses is asked: "Handling Overload" of the SRE book. The share of runs that are refused
 * here, without asking, grows with the share that it refused, and falls as it accepts again.
 */

/** Runs are asked for up to this multiple of what was accepted. */
const K = 2;
/** However much it refuses, it is asked as often: else nobody would notice that it accepts again. */
const MOST_REFUSED_HERE = 0.95;
const MOST_TRIES = 1 / (1 - MOST_REFUSED_HERE);
const WINDOW_MS = 120_000;
const BUCKETS = 12;

/** The probability that a run is refused here, 0 to 0.95. `requests` counts those that were refused here, too. */
export function refusalProbability(requests: number, accepts: number): number {
  return Math.min(MOST_REFUSED_HERE, Math.max(0, (requests - K * accepts) / (requests + 1)));
}

interface Bucket {
  readonly at: number;
  requests: number;
  accepts: number;
}

/** What became of the runs of the last two minutes. Those under way count neither way. */
export class Throttle {
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #buckets: Bucket[] = [];

  /** `now` in ms, `random` in [0, 1). */
  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  /** Whether to ask; false: it is refused here. What becomes of one that is asked is told with `accepted` or `refused`. */
  admits(): boolean {
    const bucket = this.#bucket();
    const [requests, accepts] = this.#sums();
    const asks = this.#random() >= refusalProbability(requests, accepts);
    if (!asks) bucket.requests++;
    return asks;
  }

  /** How often a run is sent, on average, until it is accepted: 1 where nothing is refused; at most 20. */
  get tries(): number {
    this.#bucket();
    const [requests, accepts] = this.#sums();
    return Math.min(MOST_TRIES, (requests + 1) / (accepts + 1));
  }

  accepted(): void {
    const bucket = this.#bucket();
    bucket.requests++;
    bucket.accepts++;
  }

  refused(): void {
    this.#bucket().requests++;
  }

  #sums(): [requests: number, accepts: number] {
    let [requests, accepts] = [0, 0];
    for (const bucket of this.#buckets) {
      requests += bucket.requests;
      accepts += bucket.accepts;
    }
    return [requests, accepts];
  }

  #bucket(): Bucket {
    const at = Math.floor(this.#now() / (WINDOW_MS / BUCKETS));
    const last = this.#buckets.at(-1);
    if (last?.at === at) return last;
    const bucket = { at, requests: 0, accepts: 0 };
    this.#buckets.push(bucket);
    while ((this.#buckets[0] as Bucket).at <= at - BUCKETS) this.#buckets.shift();
    return bucket;
  }
}
