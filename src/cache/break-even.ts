/** Is it worth looking? Times in ms. */

/** Units after which it is asked again. */
const WINDOW = 1024;
/** Gains must exceed costs by so much before it looks at everything again: it must not flutter. */
const COMFORT = 1.5;
/** Of so many requests one is timed: reading the clock twice costs a tenth of what is timed. */
const TIMED_EVERY = 16;
/** Fingerprints remembered while it only samples, 32 KB. */
const REMEMBERED = 8192;
/**
 * What a unit that is run costs besides the engine, and one that is found does not: a batch's share of queue, sending
 * and worker. Conservative, see docs/caching.md.
 */
const WAY_MS = 0.01;

export type LookingMode = 'everything' | 'repeats';

/**
 * Weighs what is saved by runs that were not needed against what looking and keeping cost. While that does not pay,
 * only what has been seen before is looked at: a fingerprint each is remembered, no more.
 */
export class BreakEven {
  #mode: LookingMode = 'everything';
  #seen: Int32Array | undefined;
  #units = 0;
  #found = 0;
  #repeats = 0;
  #looks = 0;
  #keeps = 0;
  readonly #isKept: boolean;
  readonly #look = new Mean();
  readonly #keep = new Mean();
  readonly #compute = new Mean();

  get mode(): LookingMode {
    return this.#mode;
  }

  /** `isKept`: without, only what is under way can be found, which not every repeat is. */
  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  /** Time this look? */
  timesLook(): boolean {
    this.#looks = (this.#looks + 1) % TIMED_EVERY;
    return this.#looks === 0;
  }

  timesKeep(): boolean {
    this.#keeps = (this.#keeps + 1) % TIMED_EVERY;
    return this.#keeps === 0;
  }

  /** While it only samples: was something of this fingerprint seen lately? It is remembered now. */
  isRepeat(fingerprint: number): boolean {
    this.#seen ??= new Int32Array(REMEMBERED);
    const at = fingerprint & (REMEMBERED - 1);
    const isRepeat = this.#seen[at] === fingerprint;
    this.#seen[at] = fingerprint;
    if (isRepeat) this.#repeats++;
    return isRepeat;
  }

  /** So many units came, of which so many needed no run. */
  count(units: number, found: number): void {
    this.#units += units;
    this.#found += found;
    if (this.#units >= WINDOW) this.#weigh();
  }

  /** Looking so many units up took so long, all together. */
  looked(ms: number, units: number): void {
    this.#look.add(ms / units);
  }

  /** Answering so many units that were run, and keeping them, took so long, all together. */
  kept(ms: number, units: number): void {
    this.#keep.add(ms / units);
  }

  /** A run of so many units took so long inside the engine. */
  ran(ms: number, units: number): void {
    this.#compute.add(ms / units);
  }

  #weigh(): void {
    const cost = this.#units * this.#look.value + (this.#units - this.#found) * this.#keep.value;
    const each = this.#compute.value + WAY_MS;
    const possible = (this.#isKept ? this.#repeats : this.#found) * each;
    this.#mode = nextMode(this.#mode, { cost, gain: this.#found * each, possible });
    this.#units = this.#found = this.#repeats = 0;
  }
}

/** Of the last values, older ones counting less. */
class Mean {
  #value: number | undefined;

  get value(): number {
    return this.#value ?? 0;
  }

  add(value: number): void {
    this.#value = this.#value === undefined ? value : this.#value + (value - this.#value) / 16;
  }
}

/** Of one window: what looking cost or would cost, what it gained, and what it would have gained. */
export interface Balance {
  readonly cost: number;
  readonly gain: number;
  readonly possible: number;
}

export function nextMode(mode: LookingMode, { cost, gain, possible }: Balance): LookingMode {
  if (mode === 'everything') return gain < cost ? 'repeats' : 'everything';
  return possible > COMFORT * cost ? 'everything' : 'repeats';
}
