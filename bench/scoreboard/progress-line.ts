import { progress } from '../support/report.ts';

/** Says on one line which row runs, what of it, and how long it has all taken of how long it should. */
export class ProgressLine {
  readonly #expectedSeconds: number;
  readonly #started = performance.now();

  constructor(expectedSeconds: number) {
    this.#expectedSeconds = expectedSeconds;
  }

  show(row: string, text: string): void {
    const elapsed = (performance.now() - this.#started) / 1000;
    progress(`${clock(elapsed)} of ~${clock(this.#expectedSeconds)}  ${row}  ${text}`);
  }
}

/** `m:ss`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
