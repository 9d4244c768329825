import { allowedMs, RunWatch, type WatchedRun } from './run-watch.ts';

/** What runs on one version's seats: how many, how long each may take, and when nothing does any more. */
export class RunsUnderWay {
  readonly #total: number;
  readonly #hungAfterMs: number;
  readonly #watch: RunWatch;
  #drained: (() => void) | undefined;

  /** `hungAfterMs`: how long a run may take of whose like nothing was learned. */
  constructor(total: number, hungAfterMs: number, hangs: (run: WatchedRun) => void) {
    this.#total = total;
    this.#hungAfterMs = hungAfterMs;
    this.#watch = new RunWatch(() => performance.now(), hangs);
  }

  get count(): number {
    return this.#watch.running;
  }

  /** One that was sent ahead waits there for another to end. `usualMs` as in `Slot.execute`. */
  begin(usualMs: number | undefined): WatchedRun {
    const aheadMs = this.count < this.#total ? 0 : this.#watch.longestAllowedMs;
    return this.#watch.begin(aheadMs + allowedMs(usualMs, this.#hungAfterMs));
  }

  end(run: WatchedRun): void {
    this.#watch.end(run);
    if (this.count === 0) this.#drained?.();
  }

  /** Resolves when nothing runs here any more. */
  drained(): Promise<void> {
    if (this.count === 0) return Promise.resolve();
    return new Promise(resolve => {
      this.#drained = resolve;
    });
  }
}
