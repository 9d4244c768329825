/**
 * A version that takes its worker down again and again, alone, is quarantined: that is said, and while its worker waits
 * long to be started again its callers are told so at once. It ends by itself once the version has stayed up.
 */
import { HEALTHY_AFTER_MS } from './worker-lifecycle.ts';

/** So many deaths within `WINDOW_MS` are a crash loop. */
const DEATHS = 3;
const WINDOW_MS = 60_000;

/** Those of `deathsMs`, ascending, that still count at `nowMs`. */
export function recentDeaths(deathsMs: readonly number[], nowMs: number): readonly number[] {
  return deathsMs.filter(atMs => nowMs - atMs < WINDOW_MS).slice(-DEATHS);
}

export function isCrashLoop(deathsMs: readonly number[], nowMs: number): boolean {
  return recentDeaths(deathsMs, nowMs).length >= DEATHS;
}

export class Quarantine {
  readonly #now: () => number;
  readonly #changed: (reason: string) => void;
  #deathsMs: readonly number[] = [];
  #reason = '';
  #steady: NodeJS.Timeout | undefined;

  /** `changed` hears the reason when it begins, and '' when it ends. */
  constructor(now: () => number, changed: (reason: string) => void) {
    this.#now = now;
    this.#changed = changed;
  }

  /** '' while there is none. */
  get reason(): string {
    return this.#reason;
  }

  /** Its worker died while it alone ran requests there. */
  died(): void {
    this.stop();
    const nowMs = this.#now();
    this.#deathsMs = recentDeaths([...this.#deathsMs, nowMs], nowMs);
    if (this.#reason !== '' || !isCrashLoop(this.#deathsMs, nowMs)) return;
    this.#reason = `quarantined: it took its worker down ${DEATHS} times within ${WINDOW_MS / 1000} s`;
    this.#changed(this.#reason);
  }

  /** Its worker is gone for another reason, or it for good. */
  stop(): void {
    clearTimeout(this.#steady);
  }

  /** It takes requests again, in a new process. */
  up(): void {
    this.stop();
    if (this.#reason === '') return;
    this.#steady = setTimeout(() => {
      this.#reason = '';
      this.#deathsMs = [];
      this.#changed('');
    }, HEALTHY_AFTER_MS).unref();
  }
}
