/** When a batch closes and how large it is, as one version's options say: by fixed rules, or by what was learned. */
import type { Executor } from '../inference.ts';
import { closeAuto } from './auto-closing.ts';
import type { Backlog, Close } from './backlog.ts';
import { type BatcherOptions, closingRuleOf, isAuto } from './batcher-options.ts';
import { type Closing, type ClosingRule, closeBatch, leastRows } from './closing.ts';
import type { Entry } from './entry.ts';
import type { Foresight } from './foresight.ts';
import type { ShapeQueue } from './shape-queue.ts';

export interface Closer {
  /** Requests of so many rows are never divided unless a batch is smaller. */
  readonly wholeRows: number;
  /** May anything be held back at all? */
  readonly holds: boolean;
  /** The decision over a queue for a free worker of this kind, now. */
  at(now: number, kind: string): Close;
  /** When something that is held back may go, ms; undefined: now. `changed`: the only queue that may be ready. */
  heldUntil(backlog: Backlog, now: number, changed: ShapeQueue | undefined): number | undefined;
  /** Something in this queue is wanted sooner than when it was held back. */
  hurried(queue: ShapeQueue): void;
  /** From now on everything goes as soon as it can. */
  holdNothing(): void;
}

export function closerOf(options: BatcherOptions, executor: Executor, foresight: Foresight): Closer {
  const rule = closingRuleOf(options);
  return isAuto(options)
    ? new AutoCloser(rule.maxRows, options.sloMs, executor, foresight)
    : new FixedCloser(rule);
}

class FixedCloser implements Closer {
  #rule: ClosingRule;

  constructor(rule: ClosingRule) {
    this.#rule = rule;
  }

  get wholeRows(): number {
    return this.#rule.maxRows;
  }

  get holds(): boolean {
    return this.#rule.delayMs > 0;
  }

  at(now: number): Close {
    return (_, head) => closeBatch(head, this.#rule, now);
  }

  /** A queue too small to go is not looked through, which took 2.0 µs a request at 64 where this takes 0.8. */
  heldUntil(backlog: Backlog, now: number, changed: ShapeQueue | undefined): number | undefined {
    const rule = this.#rule;
    if (changed !== undefined && changed.rows < leastRows(rule)) return now + rule.delayMs;
    const next = changed?.head ? closeBatch(changed.head, rule, now) : backlog.choose(this.at(now));
    return next.kind === 'wait' ? next.until : undefined;
  }

  /** It looks at the head anew each time. */
  hurried(): void {}

  holdNothing(): void {
    this.#rule = { ...this.#rule, delayMs: 0 };
  }
}

/** A size that was once seen not to pay would otherwise never be seen again. */
const EXPLORE_EVERY = 64;

class AutoCloser implements Closer {
  /** Whatever has several rows may be divided over the workers. */
  readonly wholeRows = 1;
  holds = true;
  readonly #maxRows: number;
  readonly #sloMs: number;
  readonly #executor: Executor;
  readonly #foresight: Foresight;
  /** This queue is held until then, ms, unless it has so many rows. */
  #held: ShapeQueue | undefined;
  #until = Number.NEGATIVE_INFINITY;
  #batches = 0;
  #enough = 0;

  constructor(maxRows: number, sloMs: number | undefined, executor: Executor, foresight: Foresight) {
    this.#maxRows = maxRows;
    this.#sloMs = sloMs ?? Number.POSITIVE_INFINITY;
    this.#executor = executor;
    this.#foresight = foresight;
  }

  at(now: number, kind: string): Close {
    return (queue, head) => {
      const closing = this.#close(queue, head, kind, now);
      if (closing.kind === 'wait') {
        this.#held = queue;
        this.#until = closing.until;
        this.#enough = queue.rows * 2;
      }
      return closing;
    };
  }

  #close(queue: ShapeQueue, head: Entry, kind: string, now: number): Closing {
    const { points, economy, arrivals } = this.#foresight.of(queue.key, kind, now);
    const { free, total } = this.#executor.capacity();
    const closing = closeAuto({
      now,
      rows: queue.rows,
      total,
      // The one that was granted is not free any more.
      free: free + 1,
      arrivalsPerMs: arrivals.rowsPerMs(now),
      sentAt: this.#foresight.sentAt,
      leftMs: Math.min(head.wantedBy, head.submittedAt + this.#sloMs) - now,
      points,
      economy,
      maxRows: this.#maxRows,
      explores: ++this.#batches % EXPLORE_EVERY === 0,
    });
    return this.holds || closing.kind === 'send' ? closing : { kind: 'send', rows: queue.rows };
  }

  heldUntil(_: Backlog, now: number, changed: ShapeQueue | undefined): number | undefined {
    if (now >= this.#until) return undefined;
    if (changed !== undefined && (changed !== this.#held || changed.rows >= this.#enough)) return undefined;
    return this.#until;
  }

  hurried(queue: ShapeQueue): void {
    if (queue === this.#held) this.#until = Number.NEGATIVE_INFINITY;
  }

  holdNothing(): void {
    this.holds = false;
    this.#until = Number.NEGATIVE_INFINITY;
  }
}
