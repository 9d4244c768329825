/**
 * Triton's statistics, per version, from the typed events. `inference_count` counts rows executed and answered;
 * `execution_count` counts batches sent to a worker, failed and repeated ones too; warm-up emits no events.
 */
import type { BatchDone, Events, RequestDone, VersionChanged } from '../events.ts';
import {
  type BatchCounters,
  type ModelStatistics,
  renderVersion,
  type VersionCounters,
} from './model-statistics.ts';
import { VersionTable } from './version-table.ts';

/** Distinct batch sizes kept per version; a size past them is counted at the next power of two. */
const MAX_BATCH_SIZES = 512;

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

  /** Elements of `model_stats`: one version's, one model's, or all; an unloaded version's as long as there is room. */
  render(model?: string, version?: string): readonly ModelStatistics[] {
    return this.#versions
      .entries(model, version)
      .map(entry => renderVersion(entry.model, entry.version, entry.value));
  }

  #requestDone(done: RequestDone): void {
    if (done.version === '') return;
    const counters = this.#versions.at(done.model, done.version).value;
    const total = done.outcome === 'ok' ? counters.success : counters.fail;
    total.count++;
    total.ms += done.totalMs;
    if (done.outcome !== 'ok') return;
    counters.lastInference = Date.now();
    counters.inferences += done.rowsRun;
    countCache(counters, done);
    counters.decodeMs += done.decodeMs;
    counters.encodeMs += done.encodeMs;
    if (done.rowsRun === 0) return;
    counters.executed++;
    counters.queueMs += done.queueMs;
    counters.inferMs += done.inferMs;
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

/** Coalesced followers count as hits; what no cache was asked for counts as neither. */
function countCache(counters: VersionCounters, { cache, totalMs }: RequestDone): void {
  if (cache === undefined || cache === 'bypass') return;
  const total = cache === 'miss' ? counters.cacheMiss : counters.cacheHit;
  total.count++;
  total.ms += totalMs;
}

function newCounters(): VersionCounters {
  return {
    lastInference: 0,
    inferences: 0,
    executions: 0,
    executed: 0,
    success: { count: 0, ms: 0 },
    cacheHit: { count: 0, ms: 0 },
    cacheMiss: { count: 0, ms: 0 },
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
