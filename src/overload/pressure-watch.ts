import type { Events } from '../events.ts';
import { type Pressure, STEPS, type Step } from '../pressure.ts';
import { type Strain, stepsAfter } from './ladder.ts';
import { type MemoryShare, memoryShareOf } from './memory-in-use.ts';

const LOOK_MS = 250;
/** The median of so many looks counts: one long turn of the loop, or a process that was stopped, is no strain. */
const LOOKS = 5;

export interface Senses {
  readonly memoryShare: MemoryShare;
  /** ms. */
  readonly now: () => number;
}

/** Looks four times a second, from when it is made until `close`, and takes steps or takes them back, one at a time. */
export class PressureWatch {
  readonly #pressure: Pressure;
  readonly #events: Events;
  readonly #memoryShare: MemoryShare;
  readonly #delays: number[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #now: () => number;
  #lookedAt: number;
  #strain: Strain = { memoryShare: 0, loopDelayMs: 0 };

  constructor(
    pressure: Pressure,
    events: Events,
    { memoryShare = memoryShareOf(), now = () => performance.now() }: Partial<Senses> = {},
  ) {
    this.#pressure = pressure;
    this.#events = events;
    this.#memoryShare = memoryShare;
    this.#now = now;
    this.#lookedAt = now();
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** As it was at the last look. */
  get strain(): Strain {
    return this.#strain;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = this.#now();
    this.#delays.push(Math.max(0, now - this.#lookedAt - LOOK_MS));
    this.#lookedAt = now;
    if (this.#delays.length > LOOKS) this.#delays.shift();
    this.#strain = { memoryShare: this.#memoryShare(), loopDelayMs: medianOf(this.#delays) };
    const { taken } = this.#pressure;
    const wanted = stepsAfter(taken, this.#strain);
    if (wanted === taken) return;
    this.#pressure.taken = wanted;
    const step = STEPS[Math.min(wanted, taken)] as Step;
    this.#events.emit('pressure:changed', { step, isOff: wanted > taken, ...this.#strain });
  }
}

/** Until there are as many looks as count, what is missing was no strain. */
function medianOf(delays: readonly number[]): number {
  return delays.toSorted((a, b) => b - a)[Math.floor(LOOKS / 2)] ?? 0;
}
