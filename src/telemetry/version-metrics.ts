/** The metrics of the versions, read from their series when scraped. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { VersionState } from '../events.ts';
import type { Buckets, HistogramSource } from './buckets.ts';
import type { VersionSeries } from './version-series.ts';
import type { VersionTable } from './version-table.ts';

const STATE_VALUE: Record<VersionState, number> = { UNAVAILABLE: 0, LOADING: 1, READY: 2, UNLOADING: 3 };
const STATES = Object.entries(STATE_VALUE).map(([state, value]) => `${value} ${state}`);

type Versions = VersionTable<VersionSeries>;

export function registerVersionMetrics(registry: Registry, versions: Versions): void {
  registerRequests(registry, versions);
  const counter = counterFrom(registry, versions);
  counter('headgate_inferences_total', 'Rows executed and answered.', series => series.inferences);
  counter(
    'headgate_known_rows_total',
    'Rows answered without a run of their own: kept, or under way for another request.',
    series => series.knownRows,
  );
  counter('headgate_executions_total', 'Batches sent to a worker.', series => series.executions);
  counter('headgate_padded_rows_total', 'Rows added to batches as padding.', series => series.paddedRows);
  counter('headgate_elements_total', 'Input elements run, padding included.', series => series.elements);
  counter(
    'headgate_padding_elements_total',
    'Input elements run that no caller sent: padded rows, and shorter rows made longer.',
    series => series.paddingElements,
  );
  counter(
    'headgate_condemned_inputs_total',
    'Inputs that took their worker process down twice and are refused for a while.',
    series => series.condemned,
  );
  registerReruns(registry, versions);
  registerBreakerChanges(registry, versions);
  registerCache(registry, versions);
  registerState(registry, versions);
}

export function versionHistograms(versions: Versions): readonly HistogramSource[] {
  return [
    {
      name: 'headgate_request_duration_seconds',
      help: 'From a request being routed to its answer being written, by what became of it.',
      series: () => perOutcome(versions),
    },
    {
      name: 'headgate_queue_duration_seconds',
      help: 'Waiting for a worker, of requests that were answered.',
      series: () => perVersion(versions, series => series.queue),
    },
    {
      name: 'headgate_compute_duration_seconds',
      help: 'One run inside the engine.',
      series: () => perVersion(versions, series => series.compute),
    },
    {
      name: 'headgate_batch_size',
      help: 'Rows of one run, padding not counted.',
      series: () => perVersion(versions, series => series.batchRows),
    },
  ];
}

function* perVersion(versions: Versions, bucketsOf: (series: VersionSeries) => Buckets) {
  for (const { version, value } of versions.entries())
    if (version !== '') yield { labels: value.labels, buckets: bucketsOf(value) };
}

function* perOutcome(versions: Versions) {
  for (const { value } of versions.entries())
    for (const { labels, duration } of value.outcomes.values()) yield { labels, buckets: duration };
}

function registerRequests(registry: Registry, versions: Versions): void {
  new Counter({
    name: 'headgate_requests_total',
    help: 'Inference requests, by how their version was chosen and what became of them.',
    labelNames: ['model', 'version', 'route', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { value } of versions.entries())
        for (const { labels, byRoute } of value.outcomes.values())
          for (const [route, count] of byRoute) this.inc({ ...labels, route }, count);
    },
  });
}

function counterFrom(registry: Registry, versions: Versions) {
  return (name: string, help: string, countOf: (series: VersionSeries) => number) =>
    new Counter({
      name,
      help,
      labelNames: ['model', 'version'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { version, value } of versions.entries())
          if (version !== '') this.inc(value.labels, countOf(value));
      },
    });
}

function registerReruns(registry: Registry, versions: Versions): void {
  new Counter({
    name: 'headgate_reruns_total',
    help: 'Batches that ran again: after a failure anywhere, or apart from everything else; or hedged.',
    labelNames: ['model', 'version', 'where'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { version, value } of versions.entries()) {
        if (version === '') continue;
        for (const [where, count] of Object.entries(value.reruns))
          this.inc({ ...value.labels, where }, count);
      }
    },
  });
}

function registerBreakerChanges(registry: Registry, versions: Versions): void {
  new Counter({
    name: 'headgate_breaker_transitions_total',
    help: 'Times a breaker of the version on one of its workers came to be closed, trying or open.',
    labelNames: ['model', 'version', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { version, value } of versions.entries()) {
        if (version === '') continue;
        for (const [state, count] of Object.entries(value.breakerChanges))
          this.inc({ ...value.labels, state }, count);
      }
    },
  });
}

function registerCache(registry: Registry, versions: Versions): void {
  new Counter({
    name: 'headgate_cache_requests_total',
    help: 'Answered requests by what the cache had to do with them.',
    labelNames: ['model', 'version', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { value } of versions.entries())
        for (const [outcome, count] of value.byCache) this.inc({ ...value.labels, outcome }, count);
    },
  });
}

function registerState(registry: Registry, versions: Versions): void {
  new Gauge({
    name: 'headgate_model_state',
    help: `The version's state: ${STATES.join(', ')}.`,
    labelNames: ['model', 'version'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { value } of versions.entries())
        if (value.state !== undefined) this.set(value.labels, STATE_VALUE[value.state]);
    },
  });
}
