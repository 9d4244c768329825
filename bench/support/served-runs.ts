/** What each run of the model took and when, as the answers of its rows say. */
import type { Reply } from '../../src/load/reply.ts';
import type { TimedRun } from '../simulator/run-time-as-of.ts';

const FIELDS = /batch;desc="(\d+)", infer;dur=([\d.]+)/;

/** Rows whose answers say the same of their run. */
interface Alike {
  count: number;
  /** When the run of the first of them began, ms on the arrivals' clock. */
  readonly at: number;
}

/**
 * Collects runs from the answers to requests of one row; `see` is for `inspect`. Each row of a run says the same of it,
 * to 10 µs: runs that look alike are counted by their rows.
 */
export class ServedRuns {
  readonly #arrivals: Float64Array;
  readonly #rowsThatSay = new Map<string, Alike>();

  /** `arrivals`: when each request is due, ms. */
  constructor(arrivals: Float64Array) {
    this.#arrivals = arrivals;
  }

  readonly see = (reply: Reply, index: number, latencyMs: number): void => {
    if (reply.status !== 200) return;
    const [said, , ms] = FIELDS.exec(reply.header('server-timing') ?? '') ?? [];
    if (said === undefined) return;
    const alike = this.#rowsThatSay.get(said);
    if (alike !== undefined) alike.count++;
    else this.#rowsThatSay.set(said, { count: 1, at: (this.#arrivals[index] ?? 0) + latencyMs - Number(ms) });
  };

  get all(): TimedRun[] {
    return [...this.#rowsThatSay].flatMap(([said, { count, at }]) => {
      const [, rows, ms] = (FIELDS.exec(said) ?? []).map(Number);
      const run = { rows: rows ?? Number.NaN, ms: ms ?? Number.NaN, at };
      return new Array<TimedRun>(Math.max(1, Math.round(count / run.rows))).fill(run);
    });
  }
}
