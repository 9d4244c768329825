import { LatencySamples } from './latency-samples.ts';

/** Predictions are never trusted to be better than this. */
const LEAST = 1.1;
/** Nor thought to be worse: a moment's standstill must not shut the door for long. */
const MOST = 3;

/**
 * How far waiting takes longer than was predicted. An answer that comes too late is wasted work, so nearly everybody
 * who is let in must be answered in time.
 */
export class PredictionError {
  readonly #ratios = new LatencySamples();

  /** `tookMs` may be cut short by a deadline: it was at least as long. */
  add(predictedMs: number, tookMs: number): void {
    this.#ratios.add(tookMs / predictedMs);
  }

  /** What a prediction must be multiplied with so that 19 of 20 waits are no longer. */
  get factor(): number {
    return this.#ratios.count === 0 ? LEAST : Math.min(MOST, Math.max(LEAST, this.#ratios.upperMs));
  }
}
