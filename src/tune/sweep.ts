/**
 * Sweeps settings within a budget of time. First every layout with every batch size, two short looks each; then the
 * better half of them, and the best of each layout, again and again, in turn and in alternating order, so that a noisy moment of the machine falls
 * on all of them alike. What the budget does not reach is named.
 */
import { GatewayError } from '../errors.ts';
import { type Figures, Measurements } from './measured.ts';
import { keyOf, type Layout, layoutName } from './setting.ts';
import type { Window, WindowSize } from './window.ts';
import { survivors, winner } from './winners.ts';

/** A version loaded in one layout. */
export interface OpenLayout {
  /** Undefined when nothing could be counted. Rejects with a GatewayError when a run fails. */
  measure(batch: number, size: WindowSize): Promise<Window | undefined>;
  close(): Promise<void>;
}

export interface Progress {
  /** Of the budget, 0 to 1. */
  readonly share: number;
  readonly leftMs: number;
  /** In words. */
  readonly doing: string;
}

export interface SweepOptions {
  /** In the order of trying; at least one. */
  readonly layouts: readonly Layout[];
  /** Ascending. */
  readonly batches: readonly number[];
  /** Latencies under which a winner is wanted. */
  readonly slosMs: readonly number[];
  /** Loading included. */
  readonly budgetMs: number;
  /** Rejects with a GatewayError when it cannot be loaded so. */
  readonly open: (layout: Layout) => Promise<OpenLayout>;
  /** Whether all layouts may stay loaded at once. */
  readonly keepOpen: boolean;
  readonly now: () => number;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the sweep with what there is. */
  readonly signal: AbortSignal;
}

export interface Swept {
  readonly figures: readonly Figures[];
  /** What was not measured, and why. */
  readonly left: readonly string[];
  readonly tookMs: number;
}

/** For the first look at everything. */
const COARSE_SHARE = 0.5;
const COARSE_MS = { least: 40, most: 400 };
const FINE_MS = { least: 40, most: 1000 };
const FINE_ROUNDS = 6;
/** So many are looked at to the end. */
const FINALISTS = 4;
/** Runs on each instance in one look, at least. */
const MIN_ROUNDS = 3;
/** A batch that takes longer is only worth doubling while that gains, … */
const LONG_BATCH_MS = 250;
/** … and never when it takes this long. */
const LONGEST_BATCH_MS = 2000;
/** A larger batch gains when it carries so much more than the best before it. */
const GAIN = 1.03;

export class Sweep {
  readonly #options: SweepOptions;
  readonly #measurements = new Measurements();
  readonly #open = new Map<string, OpenLayout>();
  readonly #left: string[] = [];
  readonly #startedMs: number;
  #firstError: GatewayError | undefined;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#startedMs = options.now();
  }

  /** Rejects with the first layout's error when none could be measured. */
  async run(): Promise<Swept> {
    try {
      await this.#coarse();
      for (let round = 0; round < FINE_ROUNDS && this.#goesOn(); round++) await this.#fine(round);
    } finally {
      await Promise.all([...this.#open.values()].map(open => open.close()));
    }
    const tookMs = this.#options.now() - this.#startedMs;
    return { figures: this.#measurements.figures(), left: this.#left, tookMs };
  }

  /** Twice, there and back: a layout whose first look fell into a noisy stretch gets another. */
  async #coarse(): Promise<void> {
    const { layouts, batches, budgetMs } = this.#options;
    const windowMs = within(COARSE_MS, (COARSE_SHARE * budgetMs) / (4 * layouts.length * batches.length));
    const wanted = (layout: Layout) => (batch: number) => this.#isWorthALook(layout, batch);
    for (const layout of layouts) {
      if (this.#measurements.figures().length > 0 && !this.#isEarly()) {
        this.#left.push(`${layoutName(layout)}: the budget ended before it`);
      } else {
        await this.#visit(layout, wanted(layout), windowMs);
      }
    }
    if (this.#measurements.figures().length === 0 && this.#firstError !== undefined) throw this.#firstError;
    for (const layout of [...layouts].reverse()) {
      const isKnown = this.#measurements.figures().some(one => keyOf(one) === keyOf(layout));
      if (isKnown && this.#isEarly()) await this.#visit(layout, wanted(layout), windowMs);
    }
  }

  #isEarly(): boolean {
    const { budgetMs, signal } = this.#options;
    return !signal.aborted && this.#leftMs() > (1 - COARSE_SHARE) * budgetMs;
  }

  /** The batches ascend, and each goes by those before it. */
  #isWorthALook(layout: Layout, batch: number): boolean {
    const before = this.#measurements
      .figures()
      .filter(one => keyOf(one) === keyOf(layout) && one.batch < batch);
    if (before.length === 0) return batch === this.#options.batches[0];
    return this.#goesOn() && worthLarger(before.sort((a, b) => a.batch - b.batch));
  }

  async #fine(round: number): Promise<void> {
    const { slosMs, layouts } = this.#options;
    const all = this.#measurements.figures();
    const kept = survivors(all, slosMs, Math.max(FINALISTS, Math.ceil(all.length / 2 ** (round + 1))));
    const live = round < FINE_ROUNDS / 2 ? [...new Set([...kept, ...bestOfEach(all)])] : kept;
    const looks = live.length * (FINE_ROUNDS - round);
    const windowMs = within(FINE_MS, this.#leftMs() / looks / 1.5);
    const ordered = round % 2 === 0 ? layouts : [...layouts].reverse();
    for (const layout of ordered) {
      const mine = new Set(live.filter(one => keyOf(one) === keyOf(layout)).map(({ batch }) => batch));
      if (mine.size > 0) await this.#visit(layout, batch => mine.has(batch) && this.#goesOn(), windowMs);
    }
  }

  /** Looks at each of its batches that is wanted; what fails is noted, and ends the visit. */
  async #visit(layout: Layout, wanted: (batch: number) => boolean, windowMs: number): Promise<void> {
    let at = layoutName(layout);
    try {
      for (const batch of this.#options.batches) {
        if (!wanted(batch)) continue;
        const open = await this.#opened(layout);
        at = `${layoutName(layout)}, batch ${batch}`;
        await this.#look(open, layout, batch, windowMs);
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#firstError ??= error;
      this.#left.push(`${at}: ${error.message}`);
    }
    await this.#closeUnlessKept(layout);
  }

  async #look(open: OpenLayout, layout: Layout, batch: number, windowMs: number): Promise<void> {
    this.#tell(`${layoutName(layout)}, batch ${batch}`);
    const size = { minMs: windowMs, minRounds: MIN_ROUNDS, maxMs: 10 * windowMs + 5000 };
    const window = await open.measure(batch, size);
    if (window !== undefined) this.#measurements.note({ ...layout, batch }, window);
  }

  async #opened(layout: Layout): Promise<OpenLayout> {
    const known = this.#open.get(keyOf(layout));
    if (known !== undefined) return known;
    this.#tell(`loading ${layoutName(layout)}`);
    const open = await this.#options.open(layout);
    this.#open.set(keyOf(layout), open);
    return open;
  }

  async #closeUnlessKept(layout: Layout): Promise<void> {
    if (this.#options.keepOpen) return;
    await this.#open.get(keyOf(layout))?.close();
    this.#open.delete(keyOf(layout));
  }

  #tell(doing: string): void {
    const share = Math.min(1, 1 - this.#leftMs() / this.#options.budgetMs);
    this.#options.onProgress({ share, leftMs: this.#leftMs(), doing });
  }

  #goesOn(): boolean {
    return !this.#options.signal.aborted && this.#leftMs() > 0;
  }

  #leftMs(): number {
    return Math.max(0, this.#options.budgetMs - (this.#options.now() - this.#startedMs));
  }
}

/** No layout is given up before it was looked at in several moments. */
function bestOfEach(figures: readonly Figures[]): readonly Figures[] {
  return [...Map.groupBy(figures, keyOf).values()].flatMap(group => winner(group) ?? []);
}

/** Whether the next batch size of one layout may be better than those seen, which ascend: not after two without a gain. */
export function worthLarger(seen: readonly Figures[]): boolean {
  const last = seen.at(-1);
  if (last === undefined) return true;
  if (last.p50Ms > LONGEST_BATCH_MS) return false;
  const isLong = last.p50Ms > LONG_BATCH_MS;
  if (seen.length < 2 || (seen.length < 4 && !isLong)) return true;
  const looked = isLong ? 1 : 2;
  const best = Math.max(...seen.slice(0, -looked).map(({ rowsPerSecond }) => rowsPerSecond));
  return seen.slice(-looked).some(({ rowsPerSecond }) => rowsPerSecond > GAIN * best);
}

function within({ least, most }: { least: number; most: number }, value: number): number {
  return Math.min(most, Math.max(least, value));
}
