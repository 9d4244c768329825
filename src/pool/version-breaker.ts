/** The breaker of one version on one worker: what its runs count for, and what it tries before it opens or closes. */
import { blameFor, COUNTING } from '../blame.ts';
import { Breaker, type BreakerState, type BreakerView, type Outcome } from '../breaker.ts';
import type { SlowCalls } from '../breaker-rules.ts';
import type { GatewayError } from '../errors.ts';
import type { Execution } from '../inference.ts';
import { DistinctFailures } from './distinct-failures.ts';

export interface BreakerSettings {
  /** Of the runs of a window, 0 … 1: as many failures make it doubt. */
  readonly failureShare: number;
  /** Runs without which a window says nothing. */
  readonly leastRuns: number;
  readonly windowMs: number;
  /** How long it stays open the first time, ms. */
  readonly openMs: number;
  /** Absent: runs may take as long as they like. */
  readonly slow?: SlowCalls | undefined;
}

/** Where nothing is configured only a version that fails whatever it is given is left out. */
export const UNCONFIGURED: BreakerSettings = {
  failureShare: Number.POSITIVE_INFINITY,
  leastRuns: 1,
  windowMs: 10_000,
  openMs: 10_000,
};

export interface VersionBreakerOptions extends BreakerSettings {
  /** Runs the version's own sample there, nobody's request; rejects when that fails. */
  readonly trySample: () => Promise<unknown>;
  /** Its worker is there: a dead one is replaced, and that is no matter of the version. */
  readonly isUp: () => boolean;
  /** A sample that takes longer has failed, ms. */
  readonly trialLimitMs: number;
  readonly random: () => number;
  readonly changed: (state: BreakerState, reason: string) => void;
}

/** Runs of the sample that must all succeed. */
const TRIALS = 3;
/** Different inputs that all failed, with no success in between, say that it may be the version. */
const DISTINCT_INPUTS = 20;
/** Inputs that fail again and again have the sample run no more often, ms. */
const DOUBT_EVERY_MS = 1000;

/**
 * Failures of the worker count each run; those of the model only when different inputs fail and none succeeds. Before
 * it opens for either, the version's own sample is run: when that succeeds the inputs were at fault, and they are
 * their callers' matter. Opened by hand it stays open until it is closed by hand.
 */
export class VersionBreaker {
  readonly #breaker: Breaker;
  readonly #failures = new DistinctFailures(DISTINCT_INPUTS);
  #doubtedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: VersionBreakerOptions) {
    const { failureShare, leastRuns, windowMs, openMs, slow, trySample, trialLimitMs, random, changed } =
      options;
    this.#breaker = new Breaker({
      failureShare,
      leastCalls: leastRuns,
      windowMs,
      openMs,
      slow,
      trial: trySample,
      trials: TRIALS,
      trialLimitMs,
      triesFirst: true,
      canTry: options.isUp,
      random,
      changed,
    });
  }

  get isClosed(): boolean {
    return this.#breaker.isClosed;
  }

  view(): BreakerView {
    return this.#breaker.view();
  }

  /** A run begins; what is returned goes to `succeeded` or `failed`. */
  begin(): number {
    return this.#breaker.begin();
  }

  succeeded(run: number, ms: number): void {
    this.#failures.clear();
    this.#breaker.ended(run, 'success', ms);
  }

  failed(run: number, error: GatewayError, execution: Execution): void {
    const { breaker } = COUNTING[blameFor(error.code)];
    this.#breaker.ended(run, OUTCOME[breaker], 0);
    if (breaker !== 'distinct inputs, when none succeeds' || run !== this.#breaker.begin()) return;
    const nowMs = performance.now();
    if (!this.#failures.add(execution) || nowMs - this.#doubtedAtMs < DOUBT_EVERY_MS) return;
    this.#doubtedAtMs = nowMs;
    this.#failures.clear();
    void this.#breaker.doubt(
      `the model failed on ${DISTINCT_INPUTS} different inputs in a row, and on its sample`,
    );
  }

  /** Its worker takes no work just now: a sample that is being run there says nothing. */
  workerShut(): void {
    this.#breaker.dropDoubt();
  }

  /** The same process takes work again after a connection broke: now what was counted can be looked into. */
  workerIsBack(): void {
    this.#breaker.judge();
  }

  /** A new process has run the sample on every instance: only the hand that opened it keeps it open. */
  workerIsNew(): void {
    this.#failures.clear();
    if (!this.#breaker.isHeld) this.#breaker.close();
  }

  /** By hand: until `close`. */
  open(reason: string): void {
    this.#breaker.open(reason);
  }

  close(): void {
    this.#failures.clear();
    this.#breaker.close();
  }

  shutDown(): void {
    this.#breaker.shutDown();
  }
}

const OUTCOME = {
  no: 'neutral',
  'each run': 'failure',
  'distinct inputs, when none succeeds': 'neutral',
} as const satisfies Record<(typeof COUNTING)[keyof typeof COUNTING]['breaker'], Outcome>;
