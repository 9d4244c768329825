/** Loads that failed for what may pass by itself, a server that is not there yet, are tried again by themselves. */
import { GatewayError } from '../errors.ts';

const MAX_DELAY_MS = 30_000;

/** After so many failures in a row, ms: twice as long each time, spread by half. `random` in [0, 1). */
export function retryDelayMs(failures: number, firstMs: number, random: number): number {
  return Math.min(MAX_DELAY_MS, firstMs * 2 ** (failures - 1)) * (0.5 + random / 2);
}

/** Only who failed says whether to try again: `unavailable`, and after how long. */
function firstDelayMs(error: unknown): number | undefined {
  return error instanceof GatewayError && error.code === 'unavailable' ? error.retryAfterMs : undefined;
}

/** Of one version. Life: until `stop`, and anew with the next failure. */
export class LoadRetry {
  readonly #random: () => number;
  readonly #due: () => void;
  #failures = 0;
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(random: () => number, due: () => void) {
    this.#random = random;
    this.#due = due;
  }

  /** It is time, and it was not begun yet. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** A load begins, due or not. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#isDue = false;
  }

  /** It failed; `due` is told when it is to be tried again, if ever. */
  after(error: unknown): void {
    const firstMs = firstDelayMs(error);
    if (firstMs === undefined) {
      this.stop();
      return;
    }
    const delayMs = retryDelayMs(++this.#failures, firstMs, this.#random());
    this.#timer = setTimeout(() => {
      this.#isDue = true;
      this.#due();
    }, delayMs);
    this.#timer.unref();
  }

  stop(): void {
    this.begin();
    this.#failures = 0;
  }
}
