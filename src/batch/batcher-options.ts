import type { GatewayError } from '../errors.ts';
import type { Inference, ModelSignature } from '../inference.ts';
import type { Pressure } from '../pressure.ts';
import { signatureKeyOf } from '../signature-key.ts';
import type { QueueBounds } from './admission.ts';
import type { ClosingRule } from './closing.ts';
import type { MeasuredSize } from './latency-table.ts';
import type { PaddingPlan } from './padding-plan.ts';
import { lengthKeyOf } from './request-lengths.ts';
import type { RetryBudget } from './retry-budget.ts';

/** The knobs of one version's batcher, in Triton's vocabulary. Rows are rows of the batch axis, never requests. */
export interface BatcherOptions extends QueueBounds {
  readonly model: string;
  readonly version: string;
  readonly signature: ModelSignature;
  /** Rows of the largest batch; a larger request is split. 0: no batch axis, one request at a time. */
  readonly maxBatchSize: number;
  /** May requests share a batch? False where a gateway in front has joined them already. */
  readonly joinsRequests: boolean;
  /**
   * How long a request may be held back, with a worker free, to let others join, ms. 0: not at all, no timer. `auto`:
   * decided, like the size of a batch, from what runs were learned to take.
   */
  readonly maxQueueDelayMs: number | 'auto';
  /** The time within which `auto` tries to have answered, ms; undefined: as soon as it can. */
  readonly sloMs: number | undefined;
  /** May a batch be sent while the one before it still runs? */
  readonly sendsAhead: boolean;
  /** What batch sizes took when the version was loaded; may be empty. */
  readonly measured: readonly MeasuredSize[];
  /** A batch of one of these sizes is sent as soon as it can be formed, the largest first. Empty: `maxBatchSize`. */
  readonly preferredBatchSizes: readonly number[];
  /** Increasing. A batch is padded to the next of them, and is never larger than the last. Empty: no padding. */
  readonly allowedBatchSizes: readonly number[];
  /** Which inputs may be padded so that requests of different lengths share a batch; undefined: none. */
  readonly padding?: PaddingPlan | undefined;
  /** Rows waiting; above it `overloaded`, and `too-large` for a request that alone has more. */
  readonly maxQueueRows: number;
  /** Bytes of the inputs waiting; refused likewise. */
  readonly maxQueueBytes: number;
  /** Different shapes and sets of outputs waiting at once; one more is `overloaded`. */
  readonly maxSignatures: number;
  /** Levels of priority, 1 being the most urgent. Absent: one. */
  readonly priorityLevels?: number;
  /** Where the process is short of memory or time. Absent: it never is. */
  readonly pressure?: Pressure;
  /** May a batch that takes unusually long be sent to a second worker? */
  readonly hedges: boolean;
  /** The model's, of all its versions together. */
  readonly retryBudget: RetryBudget;
  /** Every worker's breaker is open: the error for whoever asks; else undefined. Absent: never. */
  readonly outage?: () => GatewayError | undefined;
  /** The clock of deadlines: `performance.now`, ms. */
  readonly now: () => number;
}

export function closingRuleOf(options: BatcherOptions): ClosingRule {
  const { maxBatchSize, allowedBatchSizes, preferredBatchSizes, maxQueueDelayMs } = options;
  const maxRows = Math.max(1, Math.min(maxBatchSize, allowedBatchSizes.at(-1) ?? maxBatchSize));
  // Where a batch is one request there is nobody to wait for.
  if (!joins(options)) return { maxRows, preferredRows: [], delayMs: 0, joins: false };
  const preferredRows = preferredBatchSizes
    .filter(size => size >= 1 && size <= maxRows)
    .sort((a, b) => a - b);
  return { maxRows, preferredRows, delayMs: maxQueueDelayMs === 'auto' ? 0 : maxQueueDelayMs, joins: true };
}

/** Requests with equal keys wait in one queue; all of them, where none is ever joined with another. */
export function queueKeyOf(options: BatcherOptions): (inference: Inference) => string {
  if (!joins(options)) return () => '';
  const plan = paddingOf(options);
  return plan === undefined ? signatureKeyOf(options.signature) : lengthKeyOf(options.signature, plan);
}

/** The padding in force: none where no batch is shared. */
export function paddingOf(options: BatcherOptions): PaddingPlan | undefined {
  return joins(options) ? options.padding : undefined;
}

/** May its batches be as large as was learned to pay? Sizes that were asked for are kept to. */
export function isAuto(options: BatcherOptions): boolean {
  return options.maxQueueDelayMs === 'auto' && options.preferredBatchSizes.length === 0 && joins(options);
}

function joins({ joinsRequests, maxBatchSize }: BatcherOptions): boolean {
  return joinsRequests && maxBatchSize > 0;
}
