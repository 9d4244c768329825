/** How long a model's runs take, measured while it is got to know, and how far it pays to make its batches larger. */
import type { Execution, StackedTensor } from '../inference.ts';

/** The fastest of a few runs: whatever disturbs a run only makes it longer. */
export interface RunTime {
  /** Inside the engine, ms. */
  readonly inferMs: number;
  /** From sending the run to having its answer, ms. */
  readonly roundTripMs: number;
}

export interface SizeTime extends RunTime {
  readonly rows: number;
}

/** For runs after the second, at each size. */
const REPEAT_MS = 50;
/** A run that takes longer is not made twice, and no larger one is tried. */
const LONG_RUN_MS = 250;
/** Of one batch's inputs: beyond them a batch costs the gateway more to send than it can save. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;
/** However little larger batches gain, as many rows are worth a run: what a round trip costs is divided by them. */
const LEAST_ROWS = 8;
/** Two doublings together must lower the time per row to this share, or no more are tried. */
const WORTH_DOUBLING = 0.95;

/** Runs once and says how long it took. Waiting for the turn is no part of that. */
export type TimedRun = (execution: Execution) => Promise<RunTime>;

/** One of the runs that warm an instance; knows the fastest it was. */
export class WarmUpRun implements Execution {
  readonly inputs: readonly StackedTensor[];
  readonly outputs: readonly string[] | undefined;
  readonly rows: number;
  /** Whether its time is wanted. */
  readonly measured: boolean;
  #fastest: RunTime | undefined;

  constructor({ inputs, outputs, rows }: Execution, measured: boolean) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.rows = rows;
    this.measured = measured;
  }

  /** Over all instances it was made on; undefined until it was. */
  get fastest(): RunTime | undefined {
    return this.#fastest;
  }

  note(time: RunTime): void {
    this.#fastest = faster(this.#fastest, time);
  }
}

export function faster(one: RunTime | undefined, other: RunTime): RunTime {
  if (one === undefined) return other;
  return {
    inferMs: Math.min(one.inferMs, other.inferMs),
    roundTripMs: Math.min(one.roundTripMs, other.roundTripMs),
  };
}

/** Whether one size is worth another run, after as many, of which the ones after the first took `repeatsMs`. */
export function worthRepeating(runs: number, lastMs: number, repeatsMs: number): boolean {
  if (lastMs > LONG_RUN_MS) return false;
  return runs < 2 || repeatsMs + lastMs <= REPEAT_MS;
}

/**
 * Makes a run as often as is worth it, and gives its best times. The first is often slow, because buffers grow and
 * kernels are chosen. Rejects when one fails.
 */
export async function fastestOf(run: TimedRun, execution: Execution, maxRuns: number): Promise<RunTime> {
  let fastest: RunTime | undefined;
  let repeatsMs = 0;
  for (let runs = 1; ; runs++) {
    const time = await run(execution);
    fastest = faster(fastest, time);
    if (runs > 1) repeatsMs += time.roundTripMs;
    if (runs >= maxRuns || !worthRepeating(runs, time.roundTripMs, repeatsMs)) return fastest;
  }
}

/** Whether a larger batch may cost less a row than those tried. `times` ascend in rows. */
export function worthDoubling(times: readonly SizeTime[], rowBytes: number): boolean {
  const last = times.at(-1);
  if (last === undefined) return true;
  if (2 * last.rows * rowBytes > MAX_BATCH_BYTES) return false;
  if (last.rows < LEAST_ROWS) return true;
  if (isLong(last)) return false;
  const before = Math.min(...times.slice(0, -2).map(perRowMs));
  return times.slice(-2).some(time => perRowMs(time) <= WORTH_DOUBLING * before);
}

/** Too long to be made again only for its time. */
export function isLong({ roundTripMs }: RunTime): boolean {
  return roundTripMs > LONG_RUN_MS;
}

function perRowMs({ inferMs, rows }: RunTime & { readonly rows: number }): number {
  return inferMs / rows;
}
