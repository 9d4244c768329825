/** A thread that draws cases and hands them to a subject, so that one which never returns can be ended from outside. */
import { parentPort, workerData } from 'node:worker_threads';
import { CaseSource } from './case-source.ts';
import type { FuzzCase, Kind, Trouble } from './fuzz-case.ts';

export interface ThreadOrder {
  readonly kind: Kind;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** A module with `check(case): string`. */
  readonly subject: string;
  /** The number of the case at hand. */
  readonly at: SharedArrayBuffer;
}

export type ThreadReport =
  | { readonly outcomes: ReadonlyMap<string, number>; readonly done: boolean }
  | { readonly index: number; readonly trouble: Trouble; readonly detail: string };

/** Of a thread's own CPU: waiting for the processor is no hang. */
const HANG_MS = 1000;
const REPORT_EVERY = 2000;

if (parentPort !== null) await run(workerData as ThreadOrder, report => parentPort?.postMessage(report));

async function run(order: ThreadOrder, say: (report: ThreadReport) => void): Promise<void> {
  const { check } = (await import(order.subject)) as { check: (fuzzed: FuzzCase) => string };
  const source = new CaseSource(order.kind, order.seed);
  const at = new Int32Array(order.at);
  let outcomes = new Map<string, number>();
  for (let index = order.from; index < order.to; index++) {
    const fuzzed = source.at(index);
    Atomics.store(at, 0, index);
    const outcome = outcomeOf(check, fuzzed, say);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if ((index + 1) % REPORT_EVERY !== 0) continue;
    say({ outcomes, done: false });
    outcomes = new Map();
  }
  say({ outcomes, done: true });
}

function outcomeOf(
  check: (fuzzed: FuzzCase) => string,
  fuzzed: FuzzCase,
  say: (report: ThreadReport) => void,
): string {
  const { index } = fuzzed;
  const before = process.threadCpuUsage();
  try {
    const outcome = check(fuzzed);
    const { user, system } = process.threadCpuUsage(before);
    const ms = (user + system) / 1000;
    if (ms > HANG_MS) say({ index, trouble: 'hang', detail: `took ${Math.round(ms)} ms of CPU` });
    return outcome;
  } catch (error) {
    const { name, message, stack = '' } = error as Error;
    const trouble = name === 'Disagreement' ? 'disagreement' : 'crash';
    const where = /at .*\/(src\/[^)\s]+)/.exec(stack)?.[1] ?? '';
    say({ index, trouble, detail: `${name}: ${message.slice(0, 200)} ${where}` });
    return trouble;
  }
}
