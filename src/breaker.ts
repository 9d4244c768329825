/**
 * A circuit breaker behind a small interface, on opossum, most of whose features are off: it has no timeout, no limiter
 * and no cache of its own here, and a trial after it was open is nobody's request.
 */
import CircuitBreaker from 'opossum';

export type BreakerState = 'closed' | 'open' | 'trying';

export interface BreakerOptions {
  /** Of the calls of a window, 0 … 1: more failures open it. */
  readonly failureShare: number;
  /** Calls without which a window says nothing. */
  readonly leastCalls: number;
  readonly windowMs: number;
  /** How long it stays open before `trial` is called, ms; not less than `windowMs`. */
  readonly openMs: number;
  /** Decides whether it closes: it must settle. */
  readonly trial: () => Promise<unknown>;
  readonly changed?: (state: BreakerState) => void;
}

/**
 * Counts how calls end while it is closed; when too many fail it opens, and whoever asks `isClosed` first does not
 * call. After `openMs` it makes a trial of its own: closed when that succeeds, open for as long again when not.
 * Life: until `shutDown`, after which it is open for good.
 */
export class Breaker {
  readonly #circuit: CircuitBreaker<[() => Promise<unknown>], unknown>;
  readonly #openMs: number;
  readonly #trial: () => Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;

  constructor({ failureShare, leastCalls, windowMs, openMs, trial, changed }: BreakerOptions) {
    this.#openMs = openMs;
    this.#trial = trial;
    this.#circuit = new CircuitBreaker(action => action(), {
      timeout: false,
      errorThresholdPercentage: 100 * failureShare,
      volumeThreshold: leastCalls,
      rollingCountTimeout: windowMs,
      rollingCountBuckets: 10,
      resetTimeout: openMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    });
    this.#circuit.on('open', () => {
      changed?.('open');
      this.#tryLater();
    });
    this.#circuit.on('halfOpen', () => changed?.('trying'));
    this.#circuit.on('close', () => changed?.('closed'));
  }

  get isClosed(): boolean {
    return this.#circuit.closed;
  }

  /** Only while `isClosed`; settles as `action` does, and counts how. */
  async run<Value>(action: () => Promise<Value>): Promise<Value> {
    return (await this.#circuit.fire(action)) as Value;
  }

  shutDown(): void {
    clearTimeout(this.#timer);
    this.#circuit.shutdown();
  }

  /** A moment after opossum lets one through again. */
  #tryLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#circuit.isShutdown) this.#circuit.fire(this.#trial).catch(() => {});
    }, this.#openMs + 10);
    this.#timer.unref();
  }
}
