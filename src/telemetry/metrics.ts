/**
 * Prometheus metrics from the typed events. Labels are model, version, route and outcome only, and models and
 * versions are those the gateway knows, so the number of series is bounded by what was ever loaded, up to a cap.
 */
import { setImmediate } from 'node:timers/promises';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Events } from '../events.ts';
import { type BreakerReading, registerBreakers } from './breaker-metrics.ts';
import { histogramText } from './buckets.ts';
import { type CacheReadings, registerCaches } from './cache-metrics.ts';
import { type LimitReading, registerLimits } from './limit-metrics.ts';
import { type PressureReading, registerPressure } from './pressure-metrics.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { registerVersionMetrics, versionHistograms } from './version-metrics.ts';
import { VersionSeries } from './version-series.ts';
import { VersionTable } from './version-table.ts';
import { WorkerMetrics } from './worker-metrics.ts';

/** Rows waiting for a worker, of one version. */
export interface QueuedRows {
  readonly model: string;
  readonly version: string;
  readonly rows: number;
}

export interface MetricsOptions {
  /** Headgate's own version, for `headgate_build_info`. */
  readonly buildVersion: string;
  /** Read at each scrape. */
  readonly queuedRows?: () => Iterable<QueuedRows>;
  /** Read at each scrape. */
  readonly caches?: CacheReadings;
  /** Read at each scrape. */
  readonly breakers?: () => Iterable<BreakerReading>;
  /** Read at each scrape. */
  readonly pressure?: () => PressureReading;
  /** Read at each scrape. */
  readonly limits?: () => Iterable<LimitReading>;
  /** Versions kept at most; then the longest unloaded goes first. */
  readonly maxVersions?: number;
}

const PARTS_PER_STRETCH = 64;

/** Counts events from the moment it is made; watches the event loop until `close`. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #versions: VersionTable<VersionSeries>;
  readonly #process: ProcessMetrics;

  constructor(events: Events, options: MetricsOptions) {
    this.#versions = new VersionTable(
      (model, version) => new VersionSeries(model, version),
      options.maxVersions,
    );
    this.#listen(events);
    registerVersionMetrics(this.#registry, this.#versions);
    if (options.queuedRows !== undefined) registerQueuedRows(this.#registry, options.queuedRows);
    if (options.breakers !== undefined) registerBreakers(this.#registry, options.breakers);
    if (options.caches !== undefined) registerCaches(this.#registry, options.caches, events);
    if (options.pressure !== undefined) registerPressure(this.#registry, options.pressure, events);
    if (options.limits !== undefined) registerLimits(this.#registry, options.limits);
    new WorkerMetrics(events, this.#registry);
    countDroppedLines(events, this.#registry);
    this.#process = new ProcessMetrics(this.#registry, options.buildVersion);
  }

  /** Prometheus' text format, written in stretches of a few hundred µs: it must not hold the event loop up. */
  async text(): Promise<string> {
    const parts: string[] = [];
    for (const histogram of versionHistograms(this.#versions))
      for (const part of histogramText(histogram))
        if (parts.push(part) % PARTS_PER_STRETCH === 0) await setImmediate();
    for (const { name } of this.#registry.getMetricsAsArray()) {
      parts.push(await this.#registry.getSingleMetricAsString(name), '\n');
      await setImmediate();
    }
    return parts.join('');
  }

  close(): void {
    this.#process.close();
  }

  #listen(events: Events): void {
    events.on('request:done', done => this.#versions.at(done.model, done.version).value.countRequest(done));
    events.on('batch:done', done => this.#versions.at(done.model, done.version).value.countBatch(done));
    events.on('input:condemned', ({ model, version }) => this.#versions.at(model, version).value.condemned++);
    events.on('breaker:changed', ({ model, version, state }) => {
      this.#versions.at(model, version).value.breakerChanges[state]++;
    });
    events.on('version:changed', ({ model, version, state }) => {
      const entry = this.#versions.at(model, version);
      entry.live = state !== 'UNAVAILABLE';
      entry.value.state = state;
    });
  }
}

function countDroppedLines(events: Events, registry: Registry): void {
  const dropped = new Counter({
    name: 'headgate_log_dropped_lines_total',
    help: 'Lines of the log that were dropped, as it was not read or its file could not grow.',
    registers: [registry],
  });
  events.on('log:dropped', () => dropped.inc());
}

function registerQueuedRows(registry: Registry, queuedRows: () => Iterable<QueuedRows>): void {
  new Gauge({
    name: 'headgate_queue_rows',
    help: 'Rows waiting for a worker.',
    labelNames: ['model', 'version'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, version, rows } of queuedRows()) this.set({ model, version }, rows);
    },
  });
}
