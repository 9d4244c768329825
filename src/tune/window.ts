/** One look at one setting. */

export interface WindowSize {
  /** It goes on for so long, ms, … */
  readonly minMs: number;
  /** … and until so many runs have ended, … */
  readonly minRuns: number;
  /** … but no longer than this. */
  readonly maxMs: number;
}

export interface Window {
  readonly rowsPerSecond: number;
  /** Of each batch, from being ready to being answered: under saturation it waits for the one before it. */
  readonly latenciesMs: readonly number[];
}

/** Enough for a p99, few enough to keep for every setting. */
const MAX_LATENCIES = 5000;

/** Counts runs as they end. The first ones fill the pipeline and grow the workers' buffers: they do not count. */
export class WindowTally {
  readonly #size: WindowSize;
  #toSkip: number;
  #fromMs = 0;
  #untilMs = 0;
  #runs = 0;
  readonly #latenciesMs: number[] = [];

  constructor(size: WindowSize, toSkip: number) {
    this.#size = size;
    this.#toSkip = toSkip;
  }

  /** A run has ended. True when that is enough. */
  note(latencyMs: number, nowMs: number): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      this.#fromMs = nowMs;
      return false;
    }
    this.#untilMs = nowMs;
    this.#runs++;
    if (this.#latenciesMs.length < MAX_LATENCIES) this.#latenciesMs.push(latencyMs);
    return this.#runs >= this.#size.minRuns && nowMs - this.#fromMs >= this.#size.minMs;
  }

  /** Undefined when no run counted. */
  window(rows: number): Window | undefined {
    const ms = this.#untilMs - this.#fromMs;
    if (this.#runs === 0 || ms <= 0) return undefined;
    return { rowsPerSecond: (1000 * rows * this.#runs) / ms, latenciesMs: this.#latenciesMs };
  }
}
