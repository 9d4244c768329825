/**
 * Does a few jobs in each turn of the event loop, in order: of many that come up at once, as when connections time out
 * together, all callers would wait for all. The first of a turn are done at once.
 */
export class TurnByTurn {
  readonly #aTurn: number;
  readonly #waiting: (() => void)[] = [];
  #done = 0;
  #next: NodeJS.Immediate | undefined;

  constructor(aTurn: number) {
    this.#aTurn = aTurn;
  }

  /** Jobs that wait for a later turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** `job` must not throw. */
  add(job: () => void): void {
    this.#next ??= setImmediate(this.#turn);
    if (this.#done < this.#aTurn) {
      this.#done++;
      job();
    } else this.#waiting.push(job);
  }

  readonly #turn = (): void => {
    const due = this.#waiting.splice(0, this.#aTurn);
    this.#done = due.length;
    this.#next = due.length > 0 ? setImmediate(this.#turn) : undefined;
    for (const job of due) job();
  };
}
