/** Is it worth looking? Times in ms. */
import type { InferenceTiming } from '../inference.ts';
import { Mean } from './mean.ts';
import type { RequestUnits } from './request-units.ts';

/** Units after which it is asked again. */
const WINDOW = 4096;
/** Windows in which what comes back is taken at its scout's word: it has nothing kept yet. */
const WARMING = 16;
/** A scout that was wrong is not heard for so many windows at most; each time twice as long. */
const MOST_DEAF = 1024;
/** Gains must exceed costs by so much before it looks at everything again: it must not flutter. */
const COMFORT = 1.2;
/** Of what an answer takes without a look, such a part may be lost: nobody would notice. */
const TOLERABLE = 0.01;
/** Of so many requests one is timed: reading the clock twice costs a tenth of what is timed. */
const TIMED_EVERY = 16;
/**
 * While it steps aside, one of so many is looked at and timed all the same: costs change, most of all while a process
 * warms up. Code that runs so seldom is slow (30 µs to join, 80 to keep), so each window it is half as many, down to
 * one of 4,096.
 */
const TRIED_EVERY = 64;
const MOST_DOUBLED = 6;
/** Of fewer units looked at, what was found says little. */
const LEAST_LOOKED = 64;
/**
 * Once it has stepped aside for good it sees nothing of three quarters of what comes, a stretch at a time: seeing alone
 * takes 0.3 to 0.5 µs of a request's 22. Who comes how often, and after how many others, is the same in the rest.
 */
const SEEN = 1024;
const SEEN_AND_UNSEEN = 4096;
/** Windows until then. */
const RESTS_AFTER = 2;
/**
 * What a request that is run takes besides the engine, and one that is wholly found does not: a batch's share of queue,
 * sending and worker. Conservative, see docs/caching.md.
 */
const WAY_MS = 0.01;

/** `aside`: it does not pay, and is left alone but for what keeps it known. */
export type LookingMode = 'everything' | 'aside';

/** At one request. */
export type Look = 'none' | 'untimed' | 'timed';

/** What sees all that comes, in either mode. */
export interface Scout {
  /** True: this one is worth a look even so. */
  saw(units: RequestUnits): boolean;
  /** A run took so long from when it was submitted, ms. */
  took(ms: number): void;
  /** Of so many units since it was asked last, those that looking at all would find, 0 … 1; some it was not shown. */
  shareOf(units: number): number;
}

/**
 * Weighs what is saved by runs that were not needed against what looking and keeping cost. While that does not pay it
 * steps aside, and a scout tells when it would.
 */
export class BreakEven {
  #mode: LookingMode = 'everything';
  #requests = 0;
  #units = 0;
  /** Of those, looked at; and found. */
  #looked = 0;
  #found = 0;
  #looks = 0;
  #keeps = 0;
  /** Since the mode changed. */
  #windows = 0;
  /** Requests asked about since then. */
  #asked = 0;
  /** Windows that the scout is not heard for when it was wrong next. */
  #deaf = 1;
  #stretch = 0;
  readonly #scout: Scout;
  readonly #look = new Mean();
  readonly #keep = new Mean();
  readonly #compute = new Mean();

  constructor(scout: Scout) {
    this.#scout = scout;
  }

  get mode(): LookingMode {
    return this.#mode;
  }

  /** True: the next request is none of its business, and is not to be shown to it. */
  rests(): boolean {
    if (this.#mode === 'everything' || this.#windows < RESTS_AFTER) return false;
    this.#stretch = this.#stretch + 1 < SEEN_AND_UNSEEN ? this.#stretch + 1 : 0;
    return this.#stretch >= SEEN;
  }

  /** `counts`: they may be found, and be kept. */
  chooses(units: RequestUnits, counts: boolean): Look {
    const isLikely = counts && this.#scout.saw(units);
    const isTimed = this.#isTimed();
    this.#asked++;
    if (isTimed) return 'timed';
    if (this.#mode === 'everything' || isLikely) return 'untimed';
    this.#add(units.count);
    return 'none';
  }

  #isTimed(): boolean {
    const every =
      this.#mode === 'everything'
        ? TIMED_EVERY
        : TRIED_EVERY << Math.min(Math.floor(this.#asked / WINDOW), MOST_DOUBLED);
    this.#looks = this.#looks + 1 < every ? this.#looks + 1 : 0;
    return this.#looks === 0;
  }

  timesKeep(): boolean {
    if (this.#mode === 'aside') return true;
    this.#keeps = (this.#keeps + 1) % TIMED_EVERY;
    return this.#keeps === 0;
  }

  /** A request was looked at and answered that was chosen for its likelihood: it says nothing of the others. */
  countChosen(units: number): void {
    this.#add(units);
  }

  /** A request of so many units was looked at and answered, of which so many needed no run. */
  count(units: number, found: number): void {
    this.#looked += units;
    this.#found += found;
    this.#add(units);
  }

  #add(units: number): void {
    this.#requests++;
    this.#units += units;
    if (this.#units >= WINDOW) this.#weigh();
  }

  /** Looking so many units up took so long, all together. */
  looked(ms: number, units: number): void {
    this.#learn(this.#look, ms / units);
  }

  /** Answering so many units that were run, and keeping them, took so long, all together. */
  kept(ms: number, units: number): void {
    this.#learn(this.#keep, ms / units);
  }

  /** What runs seldom is slow: while it steps aside that must not make what it would cost look dear. */
  #learn(mean: Mean, ms: number): void {
    if (this.#mode === 'everything' || ms < mean.value) mean.add(ms);
  }

  /** So many units, so many rows together, were run. */
  ran({ queueMs, inferMs, batchRows }: InferenceTiming, rows: number, units: number): void {
    this.#compute.add((inferMs * rows) / Math.max(rows, batchRows) / units);
    this.#scout.took(queueMs + inferMs);
  }

  #weigh(): void {
    const before = this.#mode;
    const mode = nextMode(before, {
      found: this.#share(),
      unitsPerRequest: this.#units / this.#requests,
      lookMs: this.#look.value,
      keepMs: this.#keep.value,
      computeMs: this.#compute.value,
    });
    this.#requests = this.#units = 0;
    if (this.#looked >= LEAST_LOOKED || mode !== before) this.#looked = this.#found = 0;
    this.#windows++;
    if (mode === before) return;
    // It paid for as long as that: whoever said so was right.
    if (before === 'everything')
      this.#deaf = this.#windows > WARMING + 1 ? 1 : Math.min(2 * this.#deaf, MOST_DEAF);
    this.#mode = mode;
    this.#windows = this.#asked = 0;
  }

  /** Of what is looked at, what is found; the scout's word where next to nothing is, or nothing is kept yet. */
  #share(): number {
    const measured = this.#looked < LEAST_LOOKED ? 0 : this.#found / this.#looked;
    const scouted = Math.min(1, this.#scout.shareOf(this.#units));
    const isHeard = this.#mode === 'everything' ? this.#windows < WARMING : this.#windows + 1 >= this.#deaf;
    return isHeard ? Math.max(measured, scouted) : measured;
  }
}

/** Of one window. Times are of one unit. */
export interface Balance {
  /** Share of the units that looking finds, 0 … 1. */
  readonly found: number;
  readonly unitsPerRequest: number;
  readonly lookMs: number;
  /** Of a unit that was run. */
  readonly keepMs: number;
  readonly computeMs: number;
}

export function nextMode(mode: LookingMode, balance: Balance): LookingMode {
  const { found, unitsPerRequest, lookMs, keepMs, computeMs } = balance;
  const wayMs = WAY_MS / unitsPerRequest;
  const cost = lookMs + (1 - found) * keepMs;
  // Only a request of which everything is found goes no way at all.
  const gain = found * computeMs + found ** unitsPerRequest * wayMs;
  const tolerable = TOLERABLE * (computeMs + wayMs);
  if (cost <= tolerable) return 'everything';
  if (mode === 'everything') return gain + tolerable < cost ? 'aside' : 'everything';
  return gain > COMFORT * cost ? 'everything' : 'aside';
}
