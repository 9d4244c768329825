/** Load for one model of one server: made and tried before it is sent, judged when it is answered. */
import { AnswerCheck, type DifferenceOf } from './answer-check.ts';
import { constantArrivals, poissonArrivals } from './arrivals.ts';
import { type ClosedLoopResult, closedLoop } from './closed-loop.ts';
import { printable, type ServerAddress, TargetError } from './describe-model.ts';
import { type OpenLoopResult, openLoop } from './open-loop.ts';
import { quantile } from './quantile.ts';
import type { Reply } from './reply.ts';
import { type ServerTiming, TimingSum } from './server-timing.ts';

export interface ModelLoadOptions {
  readonly server: ServerAddress;
  /** Whole HTTP requests, different ones. */
  readonly requests: readonly Uint8Array[];
  /** In how far two answers may differ; undefined: answers are not compared. */
  readonly differenceOf: DifferenceOf | undefined;
  readonly timeoutMs: number;
  readonly maxConnections: number;
  readonly signal: AbortSignal;
}

/** With what the server says of its own time. */
export type Timed<Result> = Result & { readonly timing: ServerTiming | undefined };

/** The first answer may have to wait for a model that is being loaded. */
const REFERENCE_TIMEOUT_MS = 60_000;
/** Answers larger than this many times the largest reference answer are not read. */
const REPLY_SLACK = 4;
const REPLY_SLACK_BYTES = 64 * 1024;
const WARMUP_SHARE = 0.25;
const MAX_REFERENCE_BYTES = 64 * 2 ** 20;

export class ModelLoad {
  readonly #options: ModelLoadOptions;
  readonly #reference: AnswerCheck;
  /** False where the model answers one request differently each time, or nobody wants to know. */
  readonly isChecked: boolean;
  /** Of one request alone, ms: the median of the second round. */
  readonly aloneMs: number;

  private constructor(
    options: ModelLoadOptions,
    reference: AnswerCheck,
    isChecked: boolean,
    aloneMs: number,
  ) {
    this.#options = options;
    this.#reference = reference;
    this.isChecked = isChecked;
    this.aloneMs = aloneMs;
  }

  /** Sends each request alone, twice. Throws TargetError with the server's own words where one is refused. */
  static async prepare(options: ModelLoadOptions): Promise<ModelLoad> {
    const { differenceOf = () => undefined } = options;
    const reference = new AnswerCheck(differenceOf);
    const first = await oneByOne(options, reply => reference.learn(reply));
    const failure = Object.values(first.firsts)[0];
    if (first.outcomes.ok < options.requests.length)
      throw new TargetError(
        `the server does not answer such a request. It says: ${printable(failure ?? '')}`,
      );
    const second = await oneByOne(options, reference.check);
    const isSame = second.outcomes.ok === options.requests.length;
    // All were due at the start and went one after the other: each took what lies between its end and the last one's.
    const tookMs = second.okMs.map((endMs, i) => endMs - (second.okMs[i - 1] ?? 0)).sort();
    return new ModelLoad(
      options,
      reference,
      isSame && options.differenceOf !== undefined,
      quantile(tookMs, 0.5),
    );
  }

  /** As many requests under way as there are connections, for so long after a quarter of that to warm up. */
  async closed(connections: number, seconds: number): Promise<Timed<ClosedLoopResult>> {
    const timing = new TimingSum();
    const result = await closedLoop({
      ...this.#common,
      connections,
      seconds,
      warmupSeconds: seconds * WARMUP_SHARE,
      inspect: timing.see,
    });
    return { ...result, timing: timing.mean() };
  }

  /** Poisson arrivals, or evenly spaced ones, at this rate for so long. */
  async open(ratePerSecond: number, seconds: number, isConstant = false): Promise<Timed<OpenLoopResult>> {
    const timing = new TimingSum();
    const count = Math.max(1, Math.round(ratePerSecond * seconds));
    const arrivals = isConstant
      ? constantArrivals(ratePerSecond, count)
      : poissonArrivals(ratePerSecond, count, 1);
    const { maxConnections } = this.#options;
    const result = await openLoop({ ...this.#common, arrivals, maxConnections, inspect: timing.see });
    return { ...result, timing: timing.mean() };
  }

  get #common() {
    const { server, requests, timeoutMs, signal } = this.#options;
    return {
      host: server.host,
      port: server.port,
      requests,
      timeoutMs,
      signal,
      maxReplyBytes: this.#reference.largestBytes * REPLY_SLACK + REPLY_SLACK_BYTES,
      ...(this.isChecked && { check: this.#reference.check }),
    };
  }
}

function oneByOne(options: ModelLoadOptions, check: (reply: Reply, index: number) => void) {
  const { server, requests, signal } = options;
  return openLoop({
    host: server.host,
    port: server.port,
    requests,
    arrivals: new Float64Array(requests.length),
    maxConnections: 1,
    timeoutMs: REFERENCE_TIMEOUT_MS,
    maxReplyBytes: MAX_REFERENCE_BYTES,
    check,
    signal,
  });
}
