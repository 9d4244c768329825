/**
 * So many lines per window; the rest is counted and told once, when the window ends. A window opens with its first
 * line, so nothing runs while nothing happens.
 */
export class LineBudget {
  readonly #lines: number;
  readonly #windowMs: number;
  readonly #tell: (suppressed: number) => void;
  #used = 0;
  #window: NodeJS.Timeout | undefined;

  constructor(lines: number, windowMs: number, tell: (suppressed: number) => void) {
    this.#lines = lines;
    this.#windowMs = windowMs;
    this.#tell = tell;
  }

  /** Whether one more line may be written now. */
  take(): boolean {
    this.#window ??= setTimeout(() => this.close(), this.#windowMs).unref();
    return ++this.#used <= this.#lines;
  }

  /** Ends the window now and tells what it left out. */
  close(): void {
    clearTimeout(this.#window);
    this.#window = undefined;
    const suppressed = this.#used - this.#lines;
    this.#used = 0;
    if (suppressed > 0) this.#tell(suppressed);
  }
}
