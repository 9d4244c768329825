/** Of the last values, older ones counting less. What was interrupted counts as four of the usual at most. */
export class Mean {
  #value = 0;

  /** 0 where there is none yet. */
  get value(): number {
    return this.#value;
  }

  add(value: number): void {
    const before = this.#value;
    this.#value = before === 0 ? value : before + (Math.min(value, 4 * before) - before) / 16;
  }
}
