import { LatencySamples } from './latency-samples.ts';

/** Predictions are never trusted to be better than this. */
const LEAST = 1.1;
/** Nor thought to be worse: a moment's standstill must not shut the door for long. */
const MOST = 3;
/** Until they have been put to the test. */
const UNTRIED = 1.5;
/** Of those who are let in so many may be late. */
const LATE_SHARE = 0.01;
/** A late answer raises the margin by so much; one in time lowers it so that the two cancel out at that share. */
const LATE_STEP = 0.25;
const IN_TIME_STEP = (LATE_STEP * LATE_SHARE) / (1 - LATE_SHARE);

/**
 * How far waiting takes longer than was predicted. An answer that comes too late is wasted work, so nearly everybody
 * who is let in must be answered in time. Two ways of knowing, of which the more careful counts: the newest ratios,
 * and a margin that each late answer widens and each one in time narrows, whatever the ratios' distribution is and
 * however slowly it changes (Gibbs and Candès, Adaptive Conformal Inference Under Distribution Shift, 2021). While a
 * queue is long a wide margin costs nothing: the workers have enough to do all the same.
 */
export class PredictionError {
  readonly #ratios = new LatencySamples();
  #margin = UNTRIED;

  /** Answered in time. */
  inTime(predictedMs: number, tookMs: number): void {
    this.#ratios.add(tookMs / predictedMs);
    this.#margin = Math.max(LEAST, this.#margin - IN_TIME_STEP);
  }

  /** Cut short by the deadline: it would have taken at least `tookMs`. */
  late(predictedMs: number, tookMs: number): void {
    this.#ratios.add(tookMs / predictedMs);
    this.#margin = Math.min(MOST, this.#margin + LATE_STEP);
  }

  /** What a prediction must be multiplied with so that nearly all waits are no longer. */
  get factor(): number {
    const seen = this.#ratios.count === 0 ? LEAST : this.#ratios.upperMs;
    return Math.min(MOST, Math.max(this.#margin, seen));
  }
}
