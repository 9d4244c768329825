/** What the metrics count of one version: plain numbers and arrays, filled on the request path. */
import type { ErrorCode } from '../errors.ts';
import type { BatchDone, RequestDone, Route, VersionState } from '../events.ts';
import type { CacheOutcome } from '../inference.ts';
import { Buckets } from './buckets.ts';

/** Upper bounds in seconds: from a cached tiny model to a deadline of ten seconds. */
const SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

type Outcome = 'ok' | ErrorCode;

/** Requests with one outcome. */
export interface OutcomeSeries {
  readonly labels: Readonly<Record<'model' | 'version' | 'outcome', string>>;
  /** s, from being routed to the answer being written. */
  readonly duration: Buckets;
  readonly byRoute: Map<Route, number>;
}

export class VersionSeries {
  readonly labels: Readonly<Record<'model' | 'version', string>>;
  /** At most one per outcome: the codes are a closed set. */
  readonly outcomes = new Map<Outcome, OutcomeSeries>();
  readonly queue = new Buckets(SECONDS);
  readonly compute = new Buckets(SECONDS);
  readonly batchRows = new Buckets(ROWS);
  /** Answered requests by what the cache had to do with them. */
  readonly byCache = new Map<CacheOutcome, number>();
  inferences = 0;
  /** Rows answered without being run for it. */
  knownRows = 0;
  executions = 0;
  /** Of them, those that were not the first, by where they ran. */
  readonly reruns = { anywhere: 0, apart: 0, hedged: 0 };
  condemned = 0;
  /** Of its breakers on all workers. */
  readonly breakerChanges = { closed: 0, trying: 0, open: 0 };
  paddedRows = 0;
  elements = 0;
  paddingElements = 0;
  /** Undefined until the version was heard of by name. */
  state: VersionState | undefined;

  constructor(model: string, version: string) {
    this.labels = { model, version };
  }

  countRequest(done: RequestDone): void {
    const series = this.outcomes.get(done.outcome) ?? this.#addOutcome(done.outcome);
    series.byRoute.set(done.route, (series.byRoute.get(done.route) ?? 0) + 1);
    series.duration.observe(done.totalMs / 1e3);
    if (done.outcome !== 'ok') return;
    this.inferences += done.rowsRun;
    this.knownRows += done.rows - done.rowsRun;
    if (done.cache !== undefined) this.byCache.set(done.cache, (this.byCache.get(done.cache) ?? 0) + 1);
    if (done.rowsRun > 0) this.queue.observe(done.queueMs / 1e3);
  }

  countBatch(done: BatchDone): void {
    this.executions++;
    if (done.again !== undefined) this.reruns[done.again]++;
    this.paddedRows += done.paddedRows;
    this.elements += done.elements;
    this.paddingElements += done.paddingElements;
    this.batchRows.observe(done.rows);
    if (done.outcome === 'ok') this.compute.observe(done.inferMs / 1e3);
  }

  #addOutcome(outcome: Outcome): OutcomeSeries {
    const labels = { ...this.labels, outcome };
    const series = { labels, duration: new Buckets(SECONDS), byRoute: new Map<Route, number>() };
    this.outcomes.set(outcome, series);
    return series;
  }
}
