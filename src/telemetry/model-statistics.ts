/** One version's counters, and the same as one element of Triton's `model_stats`. */

interface Total {
  count: number;
  ms: number;
}

/** Successful runs of one batch size; times are sums in ms. */
export interface BatchCounters {
  executions: number;
  inferMs: number;
  transferMs: number;
}

/** What is counted of one version. Times are sums in ms. */
export interface VersionCounters {
  lastInference: number;
  inferences: number;
  executions: number;
  /** Requests answered of which something was run. */
  executed: number;
  readonly success: Total;
  /** Answered without a run of their own. Triton has the time of looking here; ours is the request's. */
  readonly cacheHit: Total;
  readonly cacheMiss: Total;
  readonly fail: Total;
  queueMs: number;
  decodeMs: number;
  inferMs: number;
  encodeMs: number;
  /** Rows as executed, padding included → its successful runs. */
  readonly batches: Map<number, BatchCounters>;
}

export type DurationStatistic = { readonly count: number; readonly ns: number };

/** One element of Triton's `model_stats`. */
export type ModelStatistics = {
  readonly name: string;
  readonly version: string;
  /** ms since the epoch; 0 when nothing was answered yet. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<InferenceStatistic, DurationStatistic>>;
  readonly response_stats: Readonly<Record<string, never>>;
  readonly batch_stats: readonly BatchStatistics[];
  readonly memory_usage: readonly never[];
};

export type BatchStatistics = {
  readonly batch_size: number;
  readonly compute_input: DurationStatistic;
  readonly compute_infer: DurationStatistic;
  readonly compute_output: DurationStatistic;
};

type InferenceStatistic =
  | 'success'
  | 'fail'
  | 'queue'
  | 'compute_input'
  | 'compute_infer'
  | 'compute_output'
  | 'cache_hit'
  | 'cache_miss';

export function renderVersion(name: string, version: string, counters: VersionCounters): ModelStatistics {
  const answered = counters.success.count;
  return {
    name,
    version,
    last_inference: counters.lastInference,
    inference_count: counters.inferences,
    execution_count: counters.executions,
    inference_stats: {
      success: duration(answered, counters.success.ms),
      fail: duration(counters.fail.count, counters.fail.ms),
      queue: duration(counters.executed, counters.queueMs),
      compute_input: duration(answered, counters.decodeMs),
      compute_infer: duration(counters.executed, counters.inferMs),
      compute_output: duration(answered, counters.encodeMs),
      cache_hit: duration(counters.cacheHit.count, counters.cacheHit.ms),
      cache_miss: duration(counters.cacheMiss.count, counters.cacheMiss.ms),
    },
    response_stats: {},
    batch_stats: [...counters.batches].sort(([a], [b]) => a - b).map(renderBatch),
    memory_usage: [],
  };
}

/** The way to the worker and back is one measurement, so it all counts as `compute_input`. */
function renderBatch([size, batch]: [number, BatchCounters]): BatchStatistics {
  return {
    batch_size: size,
    compute_input: duration(batch.executions, batch.transferMs),
    compute_infer: duration(batch.executions, batch.inferMs),
    compute_output: duration(batch.executions, 0),
  };
}

function duration(count: number, ms: number): DurationStatistic {
  return { count, ns: Math.round(ms * 1e6) };
}
