/**
 * A circuit breaker behind a small interface. opossum counts (`circuit.ts`); when it opens and closes is decided here,
 * and a trial after it was open is nobody's request.
 */
import {
  type Counts,
  hasRecovered,
  MAX_OPEN_MS,
  openTimeMs,
  type Thresholds,
  verdictOf,
} from './breaker-rules.ts';
import { passes, type Trials } from './breaker-trials.ts';
import { Circuit } from './circuit.ts';

export type BreakerState = 'closed' | 'open' | 'trying';

/** `neutral` says nothing about what is called: it counts neither way. */
export type Outcome = 'success' | 'failure' | 'neutral';

export interface BreakerOptions extends Thresholds, Trials {
  readonly windowMs: number;
  /** How long it stays open the first time, ms; see `openTimeMs`. */
  readonly openMs: number;
  /** The longest it stays open; absent: five minutes. */
  readonly maxOpenMs?: number;
  /** Makes the trials before it opens, and opens only when one fails: for calls that may fail by their own fault. */
  readonly triesFirst?: boolean;
  /** While it says no, nothing is tried before opening, and nothing opens. Absent: always yes. */
  readonly canTry?: () => boolean;
  readonly changed?: (state: BreakerState, why: string) => void;
  /** A monotonic clock, ms; absent: `performance.now`. */
  readonly now?: () => number;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
}

export interface BreakerView extends Counts {
  readonly state: BreakerState;
  /** Why it is not closed; ''. */
  readonly reason: string;
  /** How long it has been so, ms. */
  readonly sinceMs: number;
  /** Until it tries, ms; undefined while it is closed or held open. */
  readonly nextTrialMs: number | undefined;
}

/**
 * Counts how calls end while it is closed; when too many fail, or are slow, it opens, and whoever asks `isClosed`
 * first does not call. After a while it makes trials of its own: closed when they succeed, open for about twice as
 * long when not. Opened by hand it stays open until it is closed by hand. Life: until `shutDown`, after which it is
 * open for good.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #circuit: Circuit;
  readonly #now: () => number;
  #state: BreakerState = 'closed';
  #why = '';
  #held = false;
  #sinceMs: number;
  /** Times in a row that it opened. */
  #opens = 0;
  #openForMs = 0;
  /** A call counts only in the era in which it began: it changes whenever the breaker opens or closes. */
  #era = 0;
  #doubt = 0;
  #isDoubted = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#sinceMs = this.#now();
    this.#circuit = new Circuit(options.windowMs, this.#sinceMs, () => void this.#try());
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get isHeld(): boolean {
    return this.#held;
  }

  view(): BreakerView {
    const now = this.#now();
    const sinceMs = now - this.#sinceMs;
    const nextTrialMs =
      this.#state === 'closed' || this.#held ? undefined : Math.max(0, this.#openForMs - sinceMs);
    return { state: this.#state, reason: this.#why, sinceMs, nextTrialMs, ...this.#circuit.counts(now) };
  }

  /** Only while `isClosed`; settles as `action` does, and counts how. */
  async run<Value>(action: () => Promise<Value>): Promise<Value> {
    const [era, startedMs] = [this.begin(), this.#now()];
    try {
      const value = await action();
      this.ended(era, 'success', this.#now() - startedMs);
      return value;
    } catch (error) {
      this.ended(era, 'failure', 0);
      throw error;
    }
  }

  /** A call begins; what is returned goes to `ended`. */
  begin(): number {
    return this.#era;
  }

  /** A call that took `ms` has ended. */
  ended(era: number, outcome: Outcome, ms: number): void {
    if (outcome === 'neutral' || era !== this.#era || this.#state !== 'closed') return;
    const { slow } = this.#options;
    const isSlow = outcome === 'success' && slow !== undefined && ms > slow.callMs;
    this.#circuit.count(outcome, isSlow, this.#now());
    if (isSlow || outcome === 'failure') this.judge();
  }

  /** Opens, or is tried, where what was counted says so; `ended` does this by itself. */
  judge(): void {
    if (this.#state !== 'closed') return;
    const why = verdictOf(this.#circuit.counts(this.#now()), this.#options);
    if (why === undefined) return;
    if (this.#options.triesFirst === true) void this.doubt(why);
    else this.#open(why);
  }

  /** Something else than its counts speaks for opening: makes the trials, and opens when one fails. */
  async doubt(why: string): Promise<void> {
    if (this.#state !== 'closed' || this.#isDoubted || this.#options.canTry?.() === false) return;
    this.#isDoubted = true;
    const [era, doubt] = [this.#era, ++this.#doubt];
    const passed = await passes(this.#options);
    if (doubt !== this.#doubt || era !== this.#era) return;
    this.#isDoubted = false;
    if (passed) this.#circuit.forget();
    else this.#open(why);
  }

  /** What is being tried before it opens says nothing any more. */
  dropDoubt(): void {
    this.#doubt++;
    this.#isDoubted = false;
  }

  /** By hand: stays open until `close`. */
  open(reason: string): void {
    this.#held = true;
    this.#open(reason);
  }

  /** By hand, or because what it guards is known to be well; begins anew with nothing counted. */
  close(): void {
    this.#held = false;
    this.#opens = 0;
    this.#close();
  }

  shutDown(): void {
    this.#era++;
    this.#state = 'open';
    this.#held = true;
    this.#circuit.shutDown();
  }

  #close(): void {
    this.#circuit.forget();
    if (this.#state === 'closed') return;
    this.#circuit.close();
    this.#become('closed', '');
  }

  #open(why: string): void {
    const { windowMs, openMs, maxOpenMs = MAX_OPEN_MS, random = Math.random } = this.#options;
    const closedForMs = this.#state === 'closed' ? this.#now() - this.#sinceMs : 0;
    if (hasRecovered(closedForMs, this.#openForMs, windowMs)) this.#opens = 0;
    this.#openForMs = openTimeMs(++this.#opens, openMs, maxOpenMs, random());
    this.#circuit.open(this.#openForMs);
    this.#become('open', why);
  }

  async #try(): Promise<void> {
    if (this.#held) return;
    this.#become('trying', this.#why);
    const era = this.#era;
    const passed = await passes(this.#options);
    if (era !== this.#era) return;
    if (passed) this.#close();
    else this.#open(this.#why);
  }

  #become(state: BreakerState, why: string): void {
    this.#era++;
    this.dropDoubt();
    this.#state = state;
    this.#why = why;
    this.#sinceMs = this.#now();
    this.#options.changed?.(state, why);
  }
}
