/** Of the last values, older ones counting less. What was interrupted counts as four of the usual at most. */
export class Mean {
  #value: number | undefined;

  get value(): number {
    return this.#value ?? 0;
  }

  add(value: number): void {
    const before = this.#value;
    this.#value = before === undefined ? value : before + (Math.min(value, 4 * before) - before) / 16;
  }
}
