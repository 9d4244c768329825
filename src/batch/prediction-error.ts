import { LatencySamples } from './latency-samples.ts';

/** Predictions are never trusted to be better than this. */
const LEAST = 1.1;
/** Nor thought to be worse: a moment's standstill must not shut the door. */
const MOST = 3;
/** Until they have been put to the test. */
const UNTRIED = 1.5;
/** A late answer widens the margin by so much. */
const LATE_STEP = 0.5;
/** What was seen counts half after so long, ms: whoever is refused teaches nothing, so mistrust must end by itself. */
const HALVES_AFTER_MS = 10_000;

/**
 * How far waiting takes longer than was predicted. An answer that comes too late is wasted work, so nearly everybody
 * who is let in must be answered in time. Of two ways of knowing the more careful counts: the newest waits, and a
 * margin that late answers widen. While a queue is long a wide margin costs nothing, as the workers have enough to do;
 * with the newest waits alone up to 1.6 % of those turned away at three times saturation heard of it at their deadline.
 */
export class PredictionError {
  readonly #ratios = new LatencySamples();
  #learnedAt = Number.NaN;
  /** Beyond `LEAST`, at `#widenedAt`. */
  #margin = UNTRIED - LEAST;
  #widenedAt = Number.NaN;

  /** A wait from `from` to `now`, ms, that ended in time. */
  inTime(predictedMs: number, from: number, now: number): void {
    this.#learn(predictedMs, from, now);
    if (Number.isNaN(this.#widenedAt)) this.#widenedAt = now;
  }

  /** One that was cut short by its deadline: it would have been at least as long. */
  late(predictedMs: number, from: number, now: number): void {
    this.#learn(predictedMs, from, now);
    // Who was let in before the margin was widened says nothing of it as it is now.
    if (from < this.#widenedAt) return;
    this.#margin = Math.min(MOST - LEAST, this.#marginAt(now) + LATE_STEP);
    this.#widenedAt = now;
  }

  /** What a prediction must be multiplied with so that nearly all waits are no longer. */
  factorAt(now: number): number {
    const seen = this.#ratios.count === 0 ? 0 : (this.#ratios.upperMs - LEAST) * faded(now - this.#learnedAt);
    return Math.min(MOST, LEAST + Math.max(this.#marginAt(now), seen));
  }

  #learn(predictedMs: number, from: number, now: number): void {
    this.#ratios.add((now - from) / predictedMs);
    this.#learnedAt = now;
  }

  #marginAt(now: number): number {
    return Number.isNaN(this.#widenedAt) ? this.#margin : this.#margin * faded(now - this.#widenedAt);
  }
}

/**
 * Whether a prediction could have decided anything: with the widest margin its request would have been refused. Shorter
 * waits teach nothing of those: a few ms of noise are three times a wait of 5 ms, and a queue that a worker's death left
 * behind was refused for it, though it was answered in half its time.
 */
export function couldBeRefused(predictedMs: number, allowedMs: number): boolean {
  return predictedMs * MOST > allowedMs;
}

function faded(ms: number): number {
  return 2 ** (-ms / HALVES_AFTER_MS);
}
