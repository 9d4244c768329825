/** What each run of the model took and when, as the answers of its rows say. */
import type { Reply } from '../../src/load/reply.ts';
import type { TimedRun } from '../simulator/run-time-as-of.ts';

const FIELDS = /batch;desc="(\d+)", infer;dur=([\d.]+)/;

/** Rows whose answers say the same of their run, which began at the same time. */
interface Alike {
  readonly rows: number;
  readonly ms: number;
  /** When it began, as the first of them says, ms on the arrivals' clock. */
  readonly at: number;
  count: number;
}

/**
 * Collects runs from the answers to requests of one row; `see` is for `inspect`. Each row of a run says the same of it,
 * to 10 µs: of two runs that look alike and began within one run's time of each other each counts by its rows.
 */
export class ServedRuns {
  readonly #arrivals: Float64Array;
  readonly #runs: Alike[] = [];
  readonly #newest = new Map<string, Alike>();

  /** `arrivals`: when each request is due, ms. */
  constructor(arrivals: Float64Array) {
    this.#arrivals = arrivals;
  }

  readonly see = (reply: Reply, index: number, latencyMs: number): void => {
    if (reply.status !== 200) return;
    const fields = FIELDS.exec(reply.header('server-timing') ?? '');
    if (fields === null) return;
    const [said, rows, ms] = [fields[0], Number(fields[1]), Number(fields[2])];
    const at = (this.#arrivals[index] ?? 0) + latencyMs - ms;
    const alike = this.#newest.get(said);
    if (alike !== undefined && Math.abs(at - alike.at) < ms) alike.count++;
    else {
      const run = { rows, ms, at, count: 1 };
      this.#newest.set(said, run);
      this.#runs.push(run);
    }
  };

  get all(): TimedRun[] {
    return this.#runs.flatMap(({ rows, ms, at, count }) =>
      new Array<TimedRun>(Math.max(1, Math.round(count / rows))).fill({ rows, ms, at }),
    );
  }
}
