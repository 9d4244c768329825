import { allowedMs, RunWatch, type RunWatchListener, type WatchedRun } from './run-watch.ts';

/** What runs on one version's seats: how many, how long each may take, and when nothing does any more. */
export class RunsUnderWay {
  readonly #hungAfterMs: number;
  readonly #watch: RunWatch;
  #drained: (() => void) | undefined;

  /** `total`: as many run at once, the others wait there for one to end. `hungAfterMs`: how long a run may take of whose like nothing was learned. */
  constructor(total: number, hungAfterMs: number, listener: RunWatchListener) {
    this.#hungAfterMs = hungAfterMs;
    this.#watch = new RunWatch(() => performance.now(), listener, total);
  }

  get count(): number {
    return this.#watch.running;
  }

  /** `usualMs` as in `Slot.execute`. */
  begin(usualMs: number | undefined): WatchedRun {
    return this.#watch.begin(allowedMs(usualMs, this.#hungAfterMs));
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
