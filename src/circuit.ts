/**
 * What a breaker takes of opossum: the counts of a moving window, and a circuit that half opens some time after it
 * opened. Nothing is called through it: it is told how calls have ended, so that what is under way dilutes nothing,
 * and it judges nothing.
 */
import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { Counts } from './breaker-rules.ts';

const BUCKETS = 10;

export class Circuit {
  readonly #opossum: CircuitBreaker<[], void>;
  /** opossum reads `resetTimeout` each time that it opens. */
  readonly #options: CircuitBreaker.Options<[]>;
  readonly #rotation = new EventEmitter();
  readonly #bucketMs: number;
  #bucketSinceMs: number;

  /** `nowMs` on whatever clock the others are. */
  constructor(windowMs: number, nowMs: number, halfOpen: () => void) {
    this.#bucketMs = windowMs / BUCKETS;
    this.#bucketSinceMs = nowMs;
    this.#options = {
      timeout: false,
      errorThresholdPercentage: Number.POSITIVE_INFINITY,
      rollingCountTimeout: windowMs,
      rollingCountBuckets: BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#rotation,
    };
    this.#opossum = new CircuitBreaker(async () => {}, this.#options);
    this.#opossum.on('halfOpen', halfOpen);
  }

  count(outcome: 'success' | 'failure', isSlow: boolean, nowMs: number): void {
    this.#rotate(nowMs);
    this.#opossum.emit(outcome);
    // Nothing else counts timeouts here.
    if (isSlow) this.#opossum.emit('timeout');
  }

  /** Of the window that ends now. */
  counts(nowMs: number): Counts {
    this.#rotate(nowMs);
    const { successes, failures, timeouts } = this.#opossum.stats;
    return { calls: successes + failures, failures, slow: timeouts };
  }

  /** opossum keeps what it counted when it closes: the next failure alone would open it again. */
  forget(): void {
    for (let i = 0; i < BUCKETS; i++) this.#rotation.emit('rotate');
  }

  /** Half opens after `forMs`, where it is not open already. */
  open(forMs: number): void {
    this.#options.resetTimeout = forMs;
    this.#opossum.open();
  }

  close(): void {
    this.#opossum.close();
  }

  shutDown(): void {
    this.#opossum.shutdown();
  }

  /** Buckets turn when somebody looks: no timer for any number of breakers. */
  #rotate(nowMs: number): void {
    const passed = Math.floor((nowMs - this.#bucketSinceMs) / this.#bucketMs);
    if (passed <= 0) return;
    this.#bucketSinceMs += passed * this.#bucketMs;
    for (let i = 0; i < Math.min(passed, BUCKETS); i++) this.#rotation.emit('rotate');
    // It notes every call's latency, which nobody reads.
    for (const { latencyTimes } of this.#opossum.status.window) latencyTimes.length = 0;
  }
}
