/** Asks an ordinary health request again and again while fuzzing goes on, and samples memory. */
import { exchangeHealth } from './health-request.ts';
import type { Subject } from './subject.ts';

const EVERY_MS = 250;
/** This process itself was late by so much: what it measured then says nothing. */
const OWN_LATE_MS = 150;
export const LATE_MS = 1000;

export class Health {
  readonly #subject: Subject;
  readonly #timer: NodeJS.Timeout;
  #busy = false;
  #due = 0;
  #worstMs = 0;
  #late = 0;
  readonly #rss: number[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#due = performance.now() + EVERY_MS;
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
  }

  /** The longest that one took, ms, where this process was not late itself. */
  get worstMs(): number {
    return this.#worstMs;
  }

  /** How many took a second or longer. */
  get late(): number {
    return this.#late;
  }

  /** Resident memory over time. */
  get rssBytes(): readonly number[] {
    return this.#rss;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const now = performance.now();
    const ownLateMs = now - this.#due;
    this.#due = now + EVERY_MS;
    if (this.#busy || this.#subject.died() !== undefined) return;
    this.#busy = true;
    const ms = await exchangeHealth(this.#subject.port, LATE_MS * 5);
    this.#busy = false;
    this.#rss.push(this.#subject.rssBytes());
    if (ms === undefined || ownLateMs > OWN_LATE_MS) return;
    this.#worstMs = Math.max(this.#worstMs, ms);
    if (ms > LATE_MS) this.#late++;
  }
}
