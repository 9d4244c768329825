/** What each run of the model took, as the answers of its rows say. */
import type { Reply } from '../../src/load/reply.ts';
import type { MeasuredRun } from '../simulator/drawn-latency.ts';

const FIELDS = /batch;desc="(\d+)", infer;dur=([\d.]+)/;

/**
 * Collects runs from the answers to requests of one row; `see` is for `inspect`. Each row of a run says the same of it,
 * to 10 µs: runs that look alike are counted by their rows.
 */
export class ServedRuns {
  readonly #rowsThatSay = new Map<string, number>();

  readonly see = (reply: Reply): void => {
    if (reply.status !== 200) return;
    const [said] = FIELDS.exec(reply.header('server-timing') ?? '') ?? [];
    if (said !== undefined) this.#rowsThatSay.set(said, (this.#rowsThatSay.get(said) ?? 0) + 1);
  };

  get all(): MeasuredRun[] {
    return [...this.#rowsThatSay].flatMap(([said, count]) => {
      const [, rows, ms] = (FIELDS.exec(said) ?? []).map(Number);
      const run = { rows: rows ?? Number.NaN, ms: ms ?? Number.NaN };
      return new Array<MeasuredRun>(Math.max(1, Math.round(count / run.rows))).fill(run);
    });
  }
}
