import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { createEvents, type Events, type WorkerChanged } from '../../src/events.ts';
import { Metrics, type MetricsOptions } from '../../src/telemetry/metrics.ts';
import { readPrometheus, type Sample } from './prometheus-text.ts';
import { batchDone, requestDone } from './sample-events.ts';

function start(t: TestContext, options: Partial<MetricsOptions> = {}): { events: Events; metrics: Metrics } {
  const events = createEvents();
  const metrics = new Metrics(events, { buildVersion: '1.2.3', ...options });
  t.after(() => metrics.close());
  return { events, metrics };
}

async function scrape(metrics: Metrics): Promise<(name: string, labels?: Record<string, string>) => number> {
  const samples = readPrometheus(await metrics.text());
  return (name, labels = {}) =>
    samples
      .filter(sample => sample.name === name && matches(sample, labels))
      .reduce((sum, { value }) => sum + value, 0);
}

function matches(sample: Sample, labels: Record<string, string>): boolean {
  return Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
}

test('histograms count every event once, in the bucket of its value', async t => {
  const { events, metrics } = start(t);
  for (const totalMs of [0.25, 0.26, 4, 20_000])
    events.emit('request:done', requestDone({ totalMs, queueMs: 1 }));
  events.emit('request:done', requestDone({ totalMs: 3, outcome: 'overloaded' }));
  for (const rows of [1, 3, 32]) events.emit('batch:done', batchDone({ rows, paddedRows: 1, inferMs: 7 }));
  events.emit('batch:done', batchDone({ rows: 2, outcome: 'unavailable', inferMs: 0 }));
  const value = await scrape(metrics);
  const answered = { model: 'digits', version: '1', outcome: 'ok' };
  assert.equal(value('headgate_request_duration_seconds_count', answered), 4);
  assert.equal(value('headgate_request_duration_seconds_bucket', { ...answered, le: '0.00025' }), 1);
  assert.equal(value('headgate_request_duration_seconds_bucket', { ...answered, le: '0.005' }), 3);
  assert.equal(value('headgate_request_duration_seconds_bucket', { ...answered, le: '10' }), 3);
  assert.equal(value('headgate_request_duration_seconds_bucket', { ...answered, le: '+Inf' }), 4);
  assert.ok(Math.abs(value('headgate_request_duration_seconds_sum', answered) - 20.00451) < 1e-9);
  assert.equal(value('headgate_request_duration_seconds_count', { outcome: 'overloaded' }), 1);
  assert.equal(value('headgate_queue_duration_seconds_count'), 4);
  assert.equal(value('headgate_compute_duration_seconds_count'), 3);
  assert.equal(value('headgate_batch_size_count'), 4);
  assert.equal(value('headgate_batch_size_sum'), 38);
  assert.equal(value('headgate_batch_size_bucket', { le: '2' }), 2);
});

test('counters tell requests by version, route and outcome, and rows, runs and padding by version', async t => {
  const { events, metrics } = start(t);
  events.emit('request:done', requestDone({ rows: 5 }));
  events.emit('request:done', requestDone({ rows: 2, route: 'label' }));
  events.emit('request:done', requestDone({ outcome: 'invalid' }));
  events.emit('request:done', requestDone({ version: '2', rows: 7 }));
  events.emit('batch:done', batchDone({ rows: 5, paddedRows: 3, elements: 80, paddingElements: 30 }));
  events.emit('batch:done', batchDone({ rows: 1, elements: 10, paddingElements: 1 }));
  const value = await scrape(metrics);
  assert.equal(value('headgate_requests_total'), 4);
  assert.equal(value('headgate_requests_total', { version: '1', route: 'stable', outcome: 'ok' }), 1);
  assert.equal(value('headgate_requests_total', { route: 'label' }), 1);
  assert.equal(value('headgate_requests_total', { outcome: 'invalid' }), 1);
  assert.equal(value('headgate_inferences_total', { version: '1' }), 7);
  assert.equal(value('headgate_inferences_total', { version: '2' }), 7);
  assert.equal(value('headgate_executions_total', { version: '1' }), 2);
  assert.equal(value('headgate_padded_rows_total', { version: '1' }), 3);
  assert.equal(value('headgate_elements_total', { version: '1' }), 90);
  assert.equal(value('headgate_padding_elements_total', { version: '1' }), 31);
});

test('runs after a failure are counted by where they ran, and condemned inputs', async t => {
  const { events, metrics } = start(t);
  events.emit('batch:done', batchDone());
  for (const again of ['anywhere', 'apart', 'apart'] as const)
    events.emit('batch:done', batchDone({ again }));
  events.emit('input:condemned', { model: 'digits', version: '1' });
  const value = await scrape(metrics);
  assert.equal(value('headgate_executions_total'), 4);
  assert.equal(value('headgate_reruns_total', { where: 'anywhere' }), 1);
  assert.equal(value('headgate_reruns_total', { where: 'apart' }), 2);
  assert.equal(value('headgate_condemned_inputs_total'), 1);
});

test('a second scrape says the same again: nothing is counted by looking', async t => {
  const { events, metrics } = start(t);
  events.emit('request:done', requestDone());
  await metrics.text();
  const value = await scrape(metrics);
  assert.equal(value('headgate_requests_total'), 1);
  assert.equal(value('headgate_request_duration_seconds_count'), 1);
});

test('a request without a version is counted without becoming a version', async t => {
  const { events, metrics } = start(t);
  events.emit('request:done', requestDone({ model: '', version: '', outcome: 'not-found' }));
  const value = await scrape(metrics);
  assert.equal(value('headgate_requests_total', { model: '', version: '', outcome: 'not-found' }), 1);
  assert.equal(value('headgate_queue_duration_seconds_bucket'), 0);
});

test('names that are special to JavaScript or to the text format are just names', async t => {
  const { events, metrics } = start(t);
  for (const model of ['__proto__', 'constructor', 'a"b\\c\nd'])
    events.emit('request:done', requestDone({ model }));
  const value = await scrape(metrics);
  for (const model of ['__proto__', 'constructor', 'a"b\\c\nd']) {
    assert.equal(value('headgate_requests_total', { model }), 1, model);
    assert.equal(value('headgate_request_duration_seconds_count', { model }), 1, model);
  }
});

test('the number of series is bounded, and the unloaded go first', async t => {
  const { events, metrics } = start(t, { maxVersions: 10 });
  events.emit('version:changed', { model: 'kept', version: '1', state: 'READY', reason: '' });
  for (let i = 0; i < 100; i++) events.emit('request:done', requestDone({ model: `m${i}` }));
  const samples = readPrometheus(await metrics.text());
  const models = new Set(samples.map(({ labels }) => labels['model']).filter(model => model !== undefined));
  assert.equal(models.size, 10);
  assert.ok(models.has('kept') && models.has('m99') && !models.has('m0'));
});

test('gauges show queued rows and states as they are when scraped', async t => {
  let rows = 4;
  const { events, metrics } = start(t, { queuedRows: () => [{ model: 'digits', version: '1', rows }] });
  events.emit('version:changed', { model: 'digits', version: '1', state: 'READY', reason: '' });
  events.emit('version:changed', { model: 'digits', version: '2', state: 'LOADING', reason: '' });
  rows = 9;
  const value = await scrape(metrics);
  assert.equal(value('headgate_queue_rows', { model: 'digits', version: '1' }), 9);
  assert.equal(value('headgate_model_state', { version: '1' }), 2);
  assert.equal(value('headgate_model_state', { version: '2' }), 1);
});

test('workers that are ready and those started again are counted', async t => {
  const { events, metrics } = start(t);
  const change = (worker: string, state: WorkerChanged['state']) =>
    events.emit('worker:changed', { worker, state, pid: 1, detail: '' });
  for (const worker of ['cpu', 'scratch-1']) {
    change(worker, 'starting');
    change(worker, 'ready');
  }
  change('scratch-1', 'exited');
  change('cpu', 'exited');
  change('cpu', 'waiting');
  change('cpu', 'starting');
  const before = await scrape(metrics);
  assert.equal(before('headgate_worker_up'), 0);
  change('cpu', 'ready');
  const after = await scrape(metrics);
  assert.equal(after('headgate_worker_up'), 1);
  assert.equal(after('headgate_worker_restarts_total'), 1);
});

test('deaths, hung runs, quarantines and ejections are counted, and go with their version', async t => {
  const { events, metrics } = start(t);
  const of = { model: 'm', version: '1', worker: 'cpu' };
  events.emit('worker:died', { worker: 'cpu', cause: 'memory' });
  events.emit('run:hung', { ...of, ageMs: 1001, allowedMs: 1000 });
  events.emit('quarantine:changed', { ...of, quarantined: true, reason: 'it dies' });
  events.emit('ejection:changed', { ...of, ejected: true, reason: 'it is slow' });
  events.emit('ejection:changed', { ...of, ejected: false, reason: '' });
  const value = await scrape(metrics);
  assert.equal(value('headgate_worker_deaths_total', { cause: 'memory' }), 1);
  assert.equal(value('headgate_worker_deaths_total', { cause: 'crash' }), 0);
  const series = ['headgate_hung_runs_total', 'headgate_version_quarantined', 'headgate_ejections_total'];
  for (const name of series) assert.equal(value(name, { model: 'm', version: '1' }), 1, name);
  events.emit('version:changed', { model: 'm', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' });
  const text = await metrics.text();
  for (const name of series) assert.ok(!text.includes(`${name}{`), name);
});

test('the process shows what it is and how it fares', async t => {
  const { metrics } = start(t);
  const value = await scrape(metrics);
  assert.equal(value('headgate_build_info', { version: '1.2.3', node: process.versions.node }), 1);
  assert.ok(value('headgate_process_memory_bytes', { kind: 'resident' }) > 1e6);
  assert.ok(value('headgate_event_loop_delay_seconds', { quantile: '0.99' }) >= 0);
  assert.ok(value('headgate_process_start_time_seconds') > 1.7e9);
});

test('every metric begins with headgate_', async t => {
  const { events, metrics } = start(t);
  events.emit('request:done', requestDone());
  for (const { name } of readPrometheus(await metrics.text())) assert.match(name, /^headgate_/);
});
