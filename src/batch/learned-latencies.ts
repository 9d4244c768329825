import { rowShapesKey } from '../signature-key.ts';
import { type Economy, economyOf } from './batch-economy.ts';
import { type LatencyPoint, usualMsOf } from './latency-points.ts';
import { LatencyTable, type Lesson, type MeasuredSize } from './latency-table.ts';
import { RowRate } from './row-rate.ts';

export interface LearnedOptions {
  /** What the loaded version was seen to take; may be empty. */
  readonly measured: readonly MeasuredSize[];
  /** Rows of the largest batch. */
  readonly maxRows: number;
  /** The only sizes that are run; empty: any. */
  readonly sizes: readonly number[];
}

/** More signatures than that are forgotten, the one that ran longest ago first. */
const MAX_SIGNATURES = 256;
/** Live runs before predictions may refuse anybody. */
const PROVEN_AFTER = 3;
/** The samples that were measured at load may be lighter than what comes. */
const UNPROVEN_TIMES = 10;

/** What one kind of instance was learned to take for inputs of one signature. */
export class Learned {
  readonly signature: string;
  readonly kind: string;
  readonly arrivals: RowRate;
  readonly #options: LearnedOptions;
  readonly #table: LatencyTable;
  readonly #isMeasured: boolean;
  #runs = 0;
  #economy: Economy;
  #revision: number;

  constructor(signature: string, kind: string, options: LearnedOptions, now: number) {
    this.signature = signature;
    this.kind = kind;
    this.#options = options;
    const hinted = isHint(signature, options.measured);
    this.#isMeasured = options.measured.length > 0 && !hinted;
    this.#table = new LatencyTable(options.measured, hinted);
    this.arrivals = new RowRate(now);
    this.#revision = this.#table.revision;
    this.#economy = this.#weigh();
  }

  get points(): readonly LatencyPoint[] {
    return this.#table.points;
  }

  get economy(): Economy {
    return this.#economy;
  }

  /** Whether enough has run for predictions to be acted on against anybody. */
  get isProven(): boolean {
    return this.#runs >= PROVEN_AFTER;
  }

  /** What 95 of 100 batches of so many rows take at most, ms; ten times that while only samples were; undefined: not known. */
  usualMs(expected: LatencyPoint | undefined): number | undefined {
    const ms = usualMsOf(expected);
    if (this.isProven) return ms;
    return this.#isMeasured && ms !== undefined ? UNPROVEN_TIMES * ms : undefined;
  }

  /** What a batch should take; undefined when nothing is known. */
  expect(rows: number): LatencyPoint | undefined {
    return this.#table.at(rows);
  }

  learn(lesson: Lesson): void {
    this.#runs++;
    this.#table.learn(lesson);
    if (this.#table.revision === this.#revision) return;
    this.#revision = this.#table.revision;
    this.#economy = this.#weigh();
  }

  #weigh(): Economy {
    return economyOf(this.#table.points, this.#options.maxRows, this.#options.sizes);
  }
}

/** Was it measured with rows of another shape than this signature's? The empty one is of the only shape there is. */
function isHint(signature: string, measured: readonly MeasuredSize[]): boolean {
  if (signature === '') return false;
  return measured.every(({ rowShapes }) => rowShapes !== undefined && rowShapesKey(rowShapes) !== signature);
}

/** What was learned of one version, by signature and kind of instance; bounded. */
export class LearnedLatencies {
  readonly #options: LearnedOptions;
  readonly #byKey = new Map<string, Learned>();
  /** Most requests are like the one before: no key is put together for them. */
  #last: Learned | undefined;

  constructor(options: LearnedOptions) {
    this.#options = options;
  }

  /** Begins with what was measured at load. */
  of(signature: string, kind: string, now: number): Learned {
    const last = this.#last;
    if (last !== undefined && last.signature === signature && last.kind === kind) return last;
    this.#last = this.#find(signature, kind, now);
    return this.#last;
  }

  #find(signature: string, kind: string, now: number): Learned {
    const key = `${kind} ${signature}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const { measured, ...rest } = this.#options;
    const learned = new Learned(
      signature,
      kind,
      { ...rest, measured: measured.filter(size => size.kind === kind) },
      now,
    );
    this.#byKey.set(key, learned);
    if (this.#byKey.size > MAX_SIGNATURES) this.#byKey.delete(this.#byKey.keys().next().value as string);
    return learned;
  }

  /** As `of`, for a batch that is about to run: it is forgotten last. */
  use(signature: string, kind: string, now: number): Learned {
    const learned = this.of(signature, kind, now);
    const key = `${kind} ${signature}`;
    this.#byKey.delete(key);
    this.#byKey.set(key, learned);
    return learned;
  }

  /** The one used last at the end. */
  [Symbol.iterator](): IterableIterator<Learned> {
    return this.#byKey.values();
  }
}
