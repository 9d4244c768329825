/** Says what is running: one line that renews itself on a terminal, one line per step elsewhere. */
export class BenchProgress {
  readonly #stream: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Begins a step that should take so long. Ends the one before. */
  step(text: string, seconds?: number): void {
    this.done();
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    const startedAt = performance.now();
    const show = () => {
      const left =
        seconds === undefined
          ? ''
          : `, ${Math.max(0, seconds - (performance.now() - startedAt) / 1000).toFixed(0)} s left`;
      this.#stream.write(`\r\x1b[K${text}${left} `);
    };
    show();
    this.#timer = setInterval(show, 500);
  }

  /** Clears the line. */
  done(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stream.write('\r\x1b[K');
  }
}
