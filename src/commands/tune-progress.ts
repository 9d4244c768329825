/** Shows how far a long command is: one line that is written over on a terminal, a line now and then elsewhere. */
import type { Progress } from '../tune/sweep.ts';

const BAR = 24;
/** Between lines where nothing can be written over. */
const LINE_EVERY = 0.1;

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

export class Meter {
  readonly #out: Terminal;
  #nextLine = 0;
  #shown = false;

  constructor(out: Terminal) {
    this.#out = out;
  }

  show({ share, leftMs, doing }: Progress): void {
    const percent = `${String(Math.floor(100 * share)).padStart(3)} %`;
    const left = `${Math.ceil(leftMs / 1000)} s left`;
    if (this.#out.isTTY !== true) {
      if (share < this.#nextLine) return;
      this.#nextLine = share + LINE_EVERY;
      this.#out.write(`${percent}  ${doing}, ${left}\n`);
      return;
    }
    const full = Math.round(BAR * share);
    const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
    this.#out.write(
      `\r\u001b[K${`${bar} ${percent}  ${doing}, ${left}`.slice(0, (this.#out.columns ?? 80) - 1)}`,
    );
    this.#shown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) this.#out.write('\r\u001b[K');
    this.#shown = false;
  }
}
