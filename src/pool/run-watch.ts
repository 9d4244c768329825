import { Alarm } from '../alarm.ts';

/** No run hangs sooner, ms: a busy machine lets a healthy process wait for hundreds. */
const LEAST_MS = 1000;
/** A run that takes so many times what 95 of 100 like it did hangs. */
const TIMES = 10;
/** This process was itself late by more: its clock says nothing of the runs, which get as much again, ms. */
const LATE_MS = 100;

/** How long a run may take, ms: by what was learned of its like, else `unknownMs`. */
export function allowedMs(learnedMs: number | undefined, unknownMs: number): number {
  return learnedMs === undefined ? unknownMs : Math.min(unknownMs, Math.max(LEAST_MS, TIMES * learnedMs));
}

/** Of what a run may take: from then on it may be one that hangs, and whoever comes after it can prepare. */
const LAGS_AT = 1 / 4;

/** One run under way, ms on the clock of the watch. */
export interface WatchedRun {
  readonly startedAt: number;
  readonly allowedMs: number;
  /** When it lags, until that was told; Infinity while it waits for another to end. */
  lagsAt: number;
  /** When it hangs; Infinity while it waits for another to end. */
  due: number;
}

export interface RunWatchListener {
  hangs(run: WatchedRun): void;
  /** It has taken a quarter of what it may; once for each. */
  lags?(run: WatchedRun): void;
}

/**
 * Watches the runs under way in one place, and tells of those that lag and of the first that hangs; with one timer, and
 * none while nothing runs. As many as there are seats run at once; one that was sent ahead waits, and its time begins when it has a seat:
 * counted from before, each would be allowed what the one before it was, and so ever more.
 */
export class RunWatch {
  readonly #now: () => number;
  readonly #listener: RunWatchListener;
  readonly #seats: number;
  /** In the order they were sent. */
  readonly #runs: WatchedRun[] = [];
  readonly #alarm: Alarm;
  #rings = Number.POSITIVE_INFINITY;

  constructor(now: () => number, listener: RunWatchListener, seats = 1) {
    this.#now = now;
    this.#listener = listener;
    this.#seats = seats;
    this.#alarm = new Alarm(now, () => this.#ring());
  }

  /** Runs under way. */
  get running(): number {
    return this.#runs.length;
  }

  begin(allowed: number): WatchedRun {
    const never = Number.POSITIVE_INFINITY;
    const run = { startedAt: this.#now(), allowedMs: allowed, lagsAt: never, due: never };
    this.#runs.push(run);
    if (this.#runs.length <= this.#seats) this.#seat(run, run.startedAt);
    return run;
  }

  end(run: WatchedRun): void {
    const at = this.#runs.indexOf(run);
    if (at < 0) return;
    this.#runs.splice(at, 1);
    const next = this.#runs[this.#seats - 1];
    if (at < this.#seats && next !== undefined) this.#seat(next, this.#now());
    if (this.#runs.length > 0) return;
    this.#alarm.clear();
    this.#rings = Number.POSITIVE_INFINITY;
  }

  #seat(run: WatchedRun, now: number): void {
    run.lagsAt = now + run.allowedMs * LAGS_AT;
    run.due = now + run.allowedMs;
    this.#ringAt(run.lagsAt);
  }

  #ringAt(at: number): void {
    this.#rings = Math.min(this.#rings, at);
    this.#alarm.setFor(at);
  }

  #ring(): void {
    const now = this.#now();
    const lateMs = now - this.#rings;
    this.#rings = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const run of this.#runs) {
      // The answer may be here, unread.
      if (lateMs > LATE_MS) run.due = Math.max(run.due, now + run.allowedMs);
      else if (run.due <= now) {
        this.#listener.hangs(run);
        return;
      } else if (run.lagsAt <= now) {
        run.lagsAt = Number.POSITIVE_INFINITY;
        this.#listener.lags?.(run);
      }
      next = Math.min(next, Math.max(now + 1, run.lagsAt), run.due);
    }
    if (next < Number.POSITIVE_INFINITY) this.#ringAt(next);
  }
}
