/** What each run of the model took, as the answers of its rows say. */
import type { Reply } from '../../src/load/reply.ts';
import type { MeasuredRun } from '../simulator/drawn-latency.ts';

const FIELDS = /batch;desc="(\d+)", infer;dur=([\d.]+)/;

/** Collects runs from answers; `see` is for `inspect`. The rows of one run say the same of it, to a microsecond. */
export class ServedRuns {
  readonly #runs = new Map<string, MeasuredRun>();

  readonly see = (reply: Reply): void => {
    if (reply.status !== 200) return;
    const found = FIELDS.exec(reply.header('server-timing') ?? '');
    if (found !== null) this.#runs.set(found[0], { rows: Number(found[1]), ms: Number(found[2]) });
  };

  get all(): MeasuredRun[] {
    return [...this.#runs.values()];
  }
}
