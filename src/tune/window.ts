/** One look at one setting. */

export interface WindowSize {
  /** It goes on for so long, ms, … */
  readonly minMs: number;
  /** … and until so many rounds of runs have ended, one on each instance, … */
  readonly minRounds: number;
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
  /** Only whole rounds are looked at: instances in step end together, and half a round would count as none or one. */
  readonly #round: number;
  #toSkip: number;
  #fromMs = 0;
  #untilMs = 0;
  #runs = 0;
  #wholeRuns = 0;
  readonly #latenciesMs: number[] = [];

  constructor(size: WindowSize, instances: number) {
    this.#size = size;
    this.#round = instances;
    this.#toSkip = 2 * instances;
  }

  /** A run has ended. True when that is enough. */
  note(latencyMs: number, nowMs: number): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      this.#fromMs = nowMs;
      return false;
    }
    if (this.#latenciesMs.length < MAX_LATENCIES) this.#latenciesMs.push(latencyMs);
    if (++this.#runs % this.#round !== 0) return false;
    this.#wholeRuns = this.#runs;
    this.#untilMs = nowMs;
    return this.#runs >= this.#size.minRounds * this.#round && nowMs - this.#fromMs >= this.#size.minMs;
  }

  /** Undefined when no round has ended. */
  window(rows: number): Window | undefined {
    const ms = this.#untilMs - this.#fromMs;
    if (this.#wholeRuns === 0 || ms <= 0) return undefined;
    return { rowsPerSecond: (1000 * rows * this.#wholeRuns) / ms, latenciesMs: this.#latenciesMs };
  }
}
