/** What a row of the scoreboard is, and what it leaves behind. */
import type { PairsKept } from './pairs.ts';

/** One bound a figure is held to. */
export interface Target {
  /** `least`: the value must reach it. `most`: it must not pass it. */
  readonly bound: 'least' | 'most';
  readonly value: number;
  /** What we would be proud of. */
  readonly stretch?: number;
}

/** One number of a row, measured in pairs: a row may have several, for several models or sizes. */
export interface Figure {
  /** Such as `P4`. */
  readonly row: string;
  /** What of the row, in a few words: `17 digits`. */
  readonly name: string;
  readonly unit: 'ratio' | 'ms';
  /** The median of `all`. */
  readonly value: number;
  /** 95 % bootstrap interval of the median. */
  readonly interval: readonly [number, number];
  /** At least one for each pair. */
  readonly all: readonly number[];
  /** Absent: shown, held to nothing. */
  readonly target?: Target;
  /** Of a ratio that is held to nothing: a fall is good. */
  readonly lessIsBetter?: true;
  /** The same ratio in CPU-seconds of the process trees, where that says something. */
  readonly cpu?: number;
  /** Why this figure does not count: a baseline that fell short, a generator that was late. */
  readonly isVoid?: string;
  /** Everything behind it, for the JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A point of the plot: what was offered and what came back. */
export interface LoadPoint {
  readonly series: string;
  readonly offeredPerSecond: number;
  readonly answeredPerSecond: number;
  readonly p99Ms: number;
}

/** What the runner gives a row. */
export interface Bench {
  /** Interleaved pairs to measure; at least 5 but for `--quick`. */
  readonly pairs: number;
  /** So many more at most, in place of those in which the host gave CPU time to others. */
  readonly repeats: number;
  /** Multiplies every measuring time; 1, or less with `--quick`. */
  readonly scale: number;
  /** An empty folder of this row's own. */
  readonly folder: string;
  /** Shown on the progress line, after the row's name. */
  progress(text: string): void;
  /** Says which pairs count. */
  kept(pairs: PairsKept): void;
  /** Adds a point to the plot of throughput and p99 against offered load. */
  plot(point: LoadPoint): void;
}

export interface Row {
  /** `P1`. */
  readonly id: string;
  /** As in the table: `batched efficiency`. */
  readonly title: string;
  /** What it takes with 5 pairs at scale 1, s; it is ended after three times that. Absent: 120. */
  readonly budgetSeconds?: number;
  /** Every answer's value was checked, baselines' too; a wrong one throws. */
  run(bench: Bench): Promise<readonly Figure[]>;
}
