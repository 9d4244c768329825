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

/** One run under way, ms on the clock of the watch. */
export interface WatchedRun {
  readonly startedAt: number;
  readonly allowedMs: number;
  /** When it hangs. */
  due: number;
}

/** Watches the runs under way in one place, and tells of the first that hangs; with one timer, and none while nothing runs. */
export class RunWatch {
  readonly #now: () => number;
  readonly #hangs: (run: WatchedRun) => void;
  readonly #runs: WatchedRun[] = [];
  readonly #alarm: Alarm;
  #rings = Number.POSITIVE_INFINITY;

  constructor(now: () => number, hangs: (run: WatchedRun) => void) {
    this.#now = now;
    this.#hangs = hangs;
    this.#alarm = new Alarm(now, () => this.#ring());
  }

  /** Runs under way. */
  get running(): number {
    return this.#runs.length;
  }

  /** Of those under way, ms; 0: there is none. */
  get longestAllowedMs(): number {
    return this.#runs.reduce((longest, run) => Math.max(longest, run.allowedMs), 0);
  }

  begin(allowed: number): WatchedRun {
    const startedAt = this.#now();
    const run: WatchedRun = { startedAt, allowedMs: allowed, due: startedAt + allowed };
    this.#runs.push(run);
    this.#ringAt(run.due);
    return run;
  }

  end(run: WatchedRun): void {
    const at = this.#runs.indexOf(run);
    if (at >= 0) this.#runs.splice(at, 1);
    if (this.#runs.length > 0) return;
    this.#alarm.clear();
    this.#rings = Number.POSITIVE_INFINITY;
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
        this.#hangs(run);
        return;
      }
      next = Math.min(next, run.due);
    }
    if (next < Number.POSITIVE_INFINITY) this.#ringAt(next);
  }
}
