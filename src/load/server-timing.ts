import type { Reply } from './reply.ts';

/** Where the time of answers went, as the server says in `server-timing`; means over the answers that say it. */
export interface ServerTiming {
  readonly answers: number;
  readonly queueMs: number;
  readonly inferMs: number;
  /** Rows per run of the model. */
  readonly batchRows: number;
}

const FIELDS = /queue;dur=([\d.]+), batch;desc="(\d+)", infer;dur=([\d.]+)/;

/** Collects the timings of one run; `see` is for `inspect`. Takes 1 µs an answer. */
export class TimingSum {
  #answers = 0;
  #queueMs = 0;
  #inferMs = 0;
  /** Of a run of `batch` rows each of its rows is one part in `batch`: the sum is the number of runs. */
  #runsPerRow = 0;

  readonly see = (reply: Reply): void => {
    if (reply.status !== 200) return;
    const found = FIELDS.exec(reply.header('server-timing') ?? '');
    if (found === null || Number(found[2]) < 1) return;
    this.#answers++;
    this.#queueMs += Number(found[1]);
    this.#runsPerRow += 1 / Number(found[2]);
    this.#inferMs += Number(found[3]);
  };

  /** Undefined where no answer said it. */
  mean(): ServerTiming | undefined {
    const answers = this.#answers;
    if (answers === 0) return undefined;
    return {
      answers,
      queueMs: this.#queueMs / answers,
      inferMs: this.#inferMs / answers,
      batchRows: answers / this.#runsPerRow,
    };
  }
}
