/** ONNX Runtime alone, in processes that do nothing else: the limit every gateway is held against. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { quantile } from './median.ts';

/** What a process needs to run a model. */
export interface RawModel {
  readonly file: string;
  readonly input: string;
  readonly output: string;
  /** Without the batch axis. */
  readonly rowShape: readonly number[];
  readonly rows: readonly Float32Array[];
}

/** What one process measured of one batch size. */
export interface RawRuns {
  readonly runsMs: Float64Array;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

export type RawOrder =
  | { readonly kind: 'load'; readonly model: RawModel; readonly intraOpThreads: number }
  | { readonly kind: 'answers' }
  | {
      readonly kind: 'measure';
      readonly batches: readonly number[];
      readonly seconds: number;
      /** Checked against the last run of each batch; absent: not checked. */
      readonly expected: readonly Float32Array[] | undefined;
    };

export type RawReply =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'answers'; readonly answers: readonly Float32Array[] }
  | { readonly kind: 'measured'; readonly runs: readonly RawRuns[] }
  | { readonly kind: 'failed'; readonly message: string };

/** One batch size, over all processes together. */
export interface RawTiming {
  readonly batch: number;
  readonly runs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  readonly rowsPerSecond: number;
  readonly cpuUsPerRow: number;
  /** Every run, ms. */
  readonly runsMs: Float64Array;
}

export interface RawOptions {
  /** Processes that run at the same time, one session each; 1 by default. */
  readonly processes?: number;
  /** 1 by default. */
  readonly intraOpThreads?: number;
}

/** Processes with one session each. `answers` and `measure` one after the other; `await using` ends them by SIGKILL. */
export class RawOrt implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  /** Rejects with ONNX Runtime's own message when the model cannot be loaded. */
  static async start(model: RawModel, options: RawOptions = {}): Promise<RawOrt> {
    const { processes = 1, intraOpThreads = 1 } = options;
    const children = Array.from({ length: processes }, () =>
      fork(new URL('./raw-ort-child.ts', import.meta.url), {
        serialization: 'advanced',
        env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ORT_TELEMETRY_DISABLED: '1' },
      }),
    );
    const raw = new RawOrt(children);
    const { file, input, output, rowShape, rows } = model;
    const plain = { file, input, output, rowShape, rows };
    try {
      await raw.#askAll({ kind: 'load', model: plain, intraOpThreads });
    } catch (error) {
      await raw[Symbol.asyncDispose]();
      throw error;
    }
    return raw;
  }

  /** The answer to each row, run alone. */
  async answers(): Promise<readonly Float32Array[]> {
    const [reply] = await this.#askAll({ kind: 'answers' });
    if (reply?.kind !== 'answers') throw new Error('no answers');
    return reply.answers;
  }

  /**
   * Runs each batch size for about `seconds` in all, in turns of a tenth, after a warm-up of a fifth. With `expected`,
   * the last run's answers are checked; a wrong one rejects.
   */
  async measure(
    batches: readonly number[],
    seconds: number,
    expected?: readonly Float32Array[],
  ): Promise<RawTiming[]> {
    const replies = await this.#askAll({ kind: 'measure', batches, seconds, expected });
    return batches.map((batch, i) =>
      timing(
        batch,
        replies.flatMap(reply => (reply.kind === 'measured' ? (reply.runs[i] ?? []) : [])),
      ),
    );
  }

  async #askAll(order: RawOrder): Promise<RawReply[]> {
    return Promise.all(this.#children.map(child => ask(child, order)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async child => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
  }
}

async function ask(child: ChildProcess, order: RawOrder): Promise<RawReply> {
  const ended = new AbortController();
  const exited = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error('the process running ONNX Runtime ended');
  });
  exited.catch(() => {});
  const answered = once(child, 'message', { signal: ended.signal });
  child.send(order);
  try {
    const [reply] = (await Promise.race([answered, exited])) as [RawReply];
    if (reply.kind === 'failed') throw new Error(reply.message);
    return reply;
  } finally {
    answered.catch(() => {});
    ended.abort();
  }
}

function timing(batch: number, parts: readonly RawRuns[]): RawTiming {
  const runsMs = Float64Array.from(parts.flatMap(part => Array.from(part.runsMs)));
  const rows = (part: RawRuns) => part.runsMs.length * batch;
  return {
    batch,
    runs: runsMs.length,
    p50Ms: quantile(runsMs, 0.5),
    p95Ms: quantile(runsMs, 0.95),
    p99Ms: quantile(runsMs, 0.99),
    meanMs: runsMs.reduce((sum, ms) => sum + ms, 0) / runsMs.length,
    rowsPerSecond: parts.reduce((sum, part) => sum + rows(part) / part.seconds, 0),
    cpuUsPerRow: (parts.reduce((sum, part) => sum + part.cpuSeconds, 0) / (runsMs.length * batch)) * 1e6,
    runsMs,
  };
}

/** The batch size with the most rows per second, judged by the median run, which noise moves least. */
export function bestBatch(timings: readonly RawTiming[]): RawTiming {
  const [first, ...rest] = timings;
  if (first === undefined) throw new Error('no batch size was measured');
  const perRow = ({ p50Ms, batch }: RawTiming) => p50Ms / batch;
  return rest.reduce((best, timing) => (perRow(timing) < perRow(best) ? timing : best), first);
}

/** Rows per second at the best batch ÷ at batch 1, one thread, as measured on an AMD EPYC with onnxruntime-node 1.30. */
const REFERENCE_GAIN: Readonly<Record<string, number>> = {
  small: 11.5,
  large: 5.5,
  wide: 11,
  direction: 1.1,
  recogniser: 1,
};
const SHORT = 0.85;

/** Why raw timings (batch 1 among them) are too poor a baseline to be held against; undefined: they are good. */
export function shortOfReference(name: string, timings: readonly RawTiming[]): string | undefined {
  const alone = timings.find(({ batch }) => batch === 1);
  const wanted = REFERENCE_GAIN[name];
  if (alone === undefined || wanted === undefined) return undefined;
  const best = bestBatch(timings);
  const gain = (alone.p50Ms * best.batch) / best.p50Ms;
  if (gain >= wanted * SHORT) return undefined;
  return `raw ONNX Runtime gains ${gain.toFixed(1)}× from batches of ${best.batch}, not ${wanted}×`;
}
