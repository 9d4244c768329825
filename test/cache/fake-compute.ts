/** What computes in the cache's tests: each row is answered with its numbers doubled, when the test says so. */

import { Answers, type AnswersOptions } from '../../src/cache/answers.ts';
import { scopeOf } from '../../src/cache/content-key.ts';
import { Keeper, type KeeperOptions } from '../../src/cache/keeper.ts';
import { unitsOf } from '../../src/cache/request-units.ts';
import { ResultStore } from '../../src/cache/result-store.ts';
import type { GatewayError } from '../../src/errors.ts';
import type { Inference, InferenceResult, Lease, SharedSubmission, Urgency } from '../../src/inference.ts';
import { Pressure } from '../../src/pressure.ts';
import type { Tensor } from '../../src/tensor.ts';
import { DYNAMIC, ints, valuesOf } from '../batch/requests.ts';

/** One run that was asked for. */
export class FakeRun implements SharedSubmission {
  readonly inference: Inference;
  readonly result: Promise<InferenceResult>;
  readonly urgencies: Urgency[] = [];
  cancelledWith: GatewayError | undefined;
  readonly #settle: PromiseWithResolvers<InferenceResult>;
  readonly #inferMs: number;

  constructor(inference: Inference, inferMs: number) {
    this.inference = inference;
    this.#inferMs = inferMs;
    this.#settle = Promise.withResolvers();
    this.result = this.#settle.promise;
    this.result.catch(() => {});
  }

  get values(): number[] {
    return valuesOf({ outputs: this.inference.inputs });
  }

  answer(lease?: Lease): void {
    this.answerWith(
      [
        ints(
          this.values.map(value => 2 * value),
          this.inference.rows,
        ),
      ],
      lease,
    );
  }

  answerWith(outputs: readonly Tensor[], lease?: Lease): void {
    const { rows } = this.inference;
    this.#settle.resolve({ outputs, timing: { queueMs: 1, inferMs: this.#inferMs, batchRows: rows }, lease });
  }

  fail(error: GatewayError): void {
    this.#settle.reject(error);
  }

  cancel(error: GatewayError): void {
    this.cancelledWith = error;
    this.fail(error);
  }

  reschedule(urgency: Urgency): void {
    this.urgencies.push(urgency);
  }
}

export interface CacheBench {
  readonly answers: Answers;
  readonly runs: FakeRun[];
  readonly store: ResultStore;
  /** Runs it, as `answers` has it run. */
  compute(inference: Inference): FakeRun;
  /** The run that was asked for last. */
  last(): FakeRun;
}

type Options = Partial<Omit<AnswersOptions, 'keeper' | 'compute'> & Omit<KeeperOptions, 'shelf'>> & {
  readonly keeps?: boolean;
  readonly byRow?: boolean;
  readonly maxBytes?: number;
  readonly inferMs?: number;
};

export function cacheBench(options: Options = {}): CacheBench {
  const { keeps = true, byRow = true, maxBytes = 1_000_000, inferMs = 2, ...over } = options;
  const runs: FakeRun[] = [];
  const store = new ResultStore({ maxBytes, maxModelShare: 1 });
  const scope = scopeOf({ model: 'm', version: '1', contentSha256: ['c'], numericClass: ['cpu'] });
  const shelf = store.claim({ model: 'm', version: '1', scope });
  const lifetimes = { ttlMs: 60_000, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  const others = { secondLevel: undefined, isAnswer: () => true, pressure: new Pressure() };
  const compute = (inference: Inference) => {
    const run = new FakeRun(inference, inferMs);
    runs.push(run);
    return run;
  };
  const answers = new Answers({
    outputs: ['x'],
    split: unitsOf(DYNAMIC, byRow),
    coalesces: true,
    keeper: keeps ? new Keeper({ shelf, ...lifetimes, ...others, ...over }) : undefined,
    compute,
    aside: compute,
    timeoutMs: 1000,
    lowestPriority: 3,
    now: () => 0,
    ...over,
  });
  return { answers, runs, store, compute, last: () => runs.at(-1) as FakeRun };
}
