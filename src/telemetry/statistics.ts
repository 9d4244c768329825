/**
 * Triton's statistics, per version, from the typed events. `inference_count` counts rows executed and answered;
 * `execution_count` counts batches sent to a worker, failed and repeated ones too; warm-up emits no events.
 */
import type { BatchDone, Events, RequestDone, VersionChanged } from '../events.ts';
import { VersionTable } from './version-table.ts';

interface Total {
  count: number;
  ms: number;
}

interface BatchCounters {
  executions: number;
  inferMs: number;
  transferMs: number;
}

/** What is counted of one version. Times are sums in ms. */
export interface VersionCounters {
  lastInference: number;
  inferences: number;
  executions: number;
  readonly success: Total;
  readonly fail: Total;
  queueMs: number;
  decodeMs: number;
  inferMs: number;
  encodeMs: number;
  /** Rows as executed, padding included → its successful runs. */
  readonly batches: Map<number, BatchCounters>;
}

/** Distinct batch sizes kept per version; a size past them is counted at the next power of two. */
const MAX_BATCH_SIZES = 512;

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

/** Counts events from the moment it is made, for the life of the process. Bounded by its table of versions. */
export class Statistics {
  readonly #versions: VersionTable<VersionCounters>;

  constructor(events: Events, maxVersions?: number) {
    this.#versions = new VersionTable(newCounters, maxVersions);
    events.on('request:done', done => this.#requestDone(done));
    events.on('batch:done', done => this.#batchDone(done));
    events.on('version:changed', change => this.#versionChanged(change));
  }

  /** The counters of one version, made when there are none. */
  version(model: string, version: string): Readonly<VersionCounters> {
    return this.#versions.at(model, version).value;
  }

  /** Elements of `model_stats`: one version's, one model's, or all; an unloaded version's until forgotten. */
  render(model?: string, version?: string): readonly ModelStatistics[] {
    return this.#versions
      .entries(model, version)
      .map(entry => renderVersion(entry.model, entry.version, entry.value));
  }

  /** Drops the counters of a model that is gone, or of one of its versions. */
  forget(model: string, version?: string): void {
    this.#versions.forget(model, version);
  }

  #requestDone(done: RequestDone): void {
    if (done.version === '') return;
    const counters = this.#versions.at(done.model, done.version).value;
    const total = done.outcome === 'ok' ? counters.success : counters.fail;
    total.count++;
    total.ms += done.totalMs;
    if (done.outcome !== 'ok') return;
    counters.lastInference = Date.now();
    counters.inferences += done.rows;
    counters.queueMs += done.queueMs;
    counters.decodeMs += done.decodeMs;
    counters.inferMs += done.inferMs;
    counters.encodeMs += done.encodeMs;
  }

  #batchDone(done: BatchDone): void {
    const counters = this.#versions.at(done.model, done.version).value;
    counters.executions++;
    if (done.outcome !== 'ok') return;
    const batch = batchOf(counters.batches, done.rows + done.paddedRows);
    batch.executions++;
    batch.inferMs += done.inferMs;
    batch.transferMs += Math.max(0, done.roundTripMs - done.inferMs);
  }

  #versionChanged({ model, version, state }: VersionChanged): void {
    this.#versions.at(model, version).live = state !== 'UNAVAILABLE';
  }
}

function newCounters(): VersionCounters {
  return {
    lastInference: 0,
    inferences: 0,
    executions: 0,
    success: { count: 0, ms: 0 },
    fail: { count: 0, ms: 0 },
    queueMs: 0,
    decodeMs: 0,
    inferMs: 0,
    encodeMs: 0,
    batches: new Map(),
  };
}

function batchOf(batches: Map<number, BatchCounters>, rows: number): BatchCounters {
  const known = batches.get(rows);
  if (known !== undefined) return known;
  const size = batches.size < MAX_BATCH_SIZES ? rows : 2 ** Math.ceil(Math.log2(Math.max(1, rows)));
  const batch = batches.get(size) ?? { executions: 0, inferMs: 0, transferMs: 0 };
  batches.set(size, batch);
  return batch;
}

function renderVersion(name: string, version: string, counters: VersionCounters): ModelStatistics {
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
      queue: duration(answered, counters.queueMs),
      compute_input: duration(answered, counters.decodeMs),
      compute_infer: duration(answered, counters.inferMs),
      compute_output: duration(answered, counters.encodeMs),
      cache_hit: duration(0, 0),
      cache_miss: duration(0, 0),
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
