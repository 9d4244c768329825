/**
 * What the test engine may be told, and how: by one file in a folder that the workers' environment names. It is asked
 * for at every run, so an order holds from the next run on; what came of it is written beside it, a line a run.
 */
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The environment variable that names the folder. */
export const ENGINE_FOLDER = 'FAULTS_ENGINE';

export type EngineOrder = {
  /** Only this worker obeys; absent: any. */
  readonly pid?: number;
  /** Samples are struck too. Those of a warm-up or a breaker's trial are nobody's requests, and otherwise spared. */
  readonly samples?: boolean;
  /** Only runs with a number as large as this obey: so one model of a shared worker is struck, by rows none other has. */
  readonly atLeast?: number;
} & (
  | { readonly kind: 'crash' | 'hang' }
  | { readonly kind: 'nan' | 'throw' }
  /** Every run takes so many times as long. */
  | { readonly kind: 'slow'; readonly times: number }
  /** Every run keeps so much memory. */
  | { readonly kind: 'leak'; readonly bytes: number }
  /** Every run prints so many lines of a thousand characters, which the gateway logs. */
  | { readonly kind: 'print'; readonly lines: number }
);

export type EngineFault = EngineOrder['kind'];

/** A run that obeyed. */
export interface Obeyed {
  readonly kind: EngineFault;
  readonly pid: number;
  /** Of the first input. */
  readonly rows: number;
}

const ORDER = 'order.json';
const OBEYED = 'obeyed.jsonl';

/** Puts an order in force, whole at once. */
export function give(folder: string, order: EngineOrder): void {
  writeFileSync(path.join(folder, 'order.partial'), JSON.stringify(order));
  renameSync(path.join(folder, 'order.partial'), path.join(folder, ORDER));
}

/** No order is in force any more. */
export function withdraw(folder: string): void {
  rmSync(path.join(folder, ORDER), { force: true });
}

/** Every run that obeyed so far, in the order they did. */
export function obeyed(folder: string): readonly Obeyed[] {
  const text = readOrUndefined(path.join(folder, OBEYED)) ?? '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Obeyed]));
}

/** For the engine: the order in force. */
export function currentOrder(folder: string): EngineOrder | undefined {
  const text = readOrUndefined(path.join(folder, ORDER));
  return text === undefined ? undefined : (JSON.parse(text) as EngineOrder);
}

/** For the engine: takes an order that only one run obeys; false when another was first. */
export function claim(folder: string): boolean {
  try {
    renameSync(path.join(folder, ORDER), path.join(folder, `taken.${process.pid}`));
    return true;
  } catch {
    return false;
  }
}

/** For the engine: says that this run obeys; unless the disk is full, which is no fault of the run. */
export function note(folder: string, run: Obeyed): void {
  try {
    appendFileSync(path.join(folder, OBEYED), `${JSON.stringify(run)}\n`);
  } catch {
    // What was noted before is proof enough.
  }
}

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
