import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createEvents, type RequestDone } from '../../src/events.ts';
import type { ModelStatistics } from '../../src/telemetry/model-statistics.ts';
import { Statistics } from '../../src/telemetry/statistics.ts';
import { batchDone, requestDone } from './sample-events.ts';

function only(rendered: readonly ModelStatistics[]): ModelStatistics {
  assert.equal(rendered.length, 1);
  return rendered[0] as ModelStatistics;
}

test("a version's statistics have Triton's members, to the letter", t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_123 });
  const events = createEvents();
  const statistics = new Statistics(events);
  events.emit('request:done', requestDone({ rows: 3 }));
  events.emit('request:done', requestDone({ outcome: 'deadline', totalMs: 4 }));
  events.emit('batch:done', batchDone({ rows: 3, paddedRows: 1 }));
  assert.deepEqual(statistics.render('digits', '1'), [
    {
      name: 'digits',
      version: '1',
      last_inference: 1_700_000_000_123,
      inference_count: 3,
      execution_count: 1,
      inference_stats: {
        success: { count: 1, ns: 10_000_000 },
        fail: { count: 1, ns: 4_000_000 },
        queue: { count: 1, ns: 2_000_000 },
        compute_input: { count: 1, ns: 1_000_000 },
        compute_infer: { count: 1, ns: 5_000_000 },
        compute_output: { count: 1, ns: 500_000 },
        cache_hit: { count: 0, ns: 0 },
        cache_miss: { count: 0, ns: 0 },
      },
      response_stats: {},
      batch_stats: [
        {
          batch_size: 4,
          compute_input: { count: 1, ns: 1_000_000 },
          compute_infer: { count: 1, ns: 5_000_000 },
          compute_output: { count: 1, ns: 0 },
        },
      ],
      memory_usage: [],
    },
  ]);
});

test('a failed run counts as an execution and in no batch size', () => {
  const events = createEvents();
  const statistics = new Statistics(events);
  events.emit('batch:done', batchDone({ outcome: 'unavailable', inferMs: 0 }));
  const rendered = only(statistics.render());
  assert.equal(rendered.execution_count, 1);
  assert.deepEqual(rendered.batch_stats, []);
});

test('a request that never reached a version is in no statistics', () => {
  const events = createEvents();
  const statistics = new Statistics(events);
  events.emit('request:done', requestDone({ version: '', outcome: 'not-found' }));
  assert.deepEqual(statistics.render(), []);
});

test('a ready version has statistics before its first request, one model among others', () => {
  const events = createEvents();
  const statistics = new Statistics(events);
  for (const [model, version] of [
    ['a', '1'],
    ['a', '2'],
    ['__proto__', '1'],
  ] as const)
    events.emit('version:changed', { model, version, state: 'READY', reason: '' });
  const named = (rendered: readonly ModelStatistics[]) =>
    rendered.map(({ name, version }) => `${name}/${version}`);
  assert.deepEqual(named(statistics.render()), ['a/1', 'a/2', '__proto__/1']);
  assert.deepEqual(named(statistics.render('a')), ['a/1', 'a/2']);
  assert.deepEqual(named(statistics.render('__proto__', '1')), ['__proto__/1']);
  assert.deepEqual(named(statistics.render('constructor')), []);
});

test('an unloaded version keeps its counters', () => {
  const events = createEvents();
  const statistics = new Statistics(events);
  events.emit('request:done', requestDone());
  events.emit('version:changed', { model: 'digits', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' });
  assert.equal(only(statistics.render('digits')).inference_count, 1);
});

test('at capacity the oldest unloaded version goes first', () => {
  const events = createEvents();
  const statistics = new Statistics(events, 2);
  events.emit('version:changed', { model: 'm', version: '1', state: 'READY', reason: '' });
  events.emit('version:changed', { model: 'm', version: '2', state: 'UNAVAILABLE', reason: 'unloaded' });
  events.emit('version:changed', { model: 'm', version: '3', state: 'LOADING', reason: '' });
  assert.deepEqual(
    statistics.render().map(({ version }) => version),
    ['1', '3'],
  );
});

test('the number of batch sizes kept is bounded, and no run is lost', () => {
  const events = createEvents();
  const statistics = new Statistics(events);
  for (let rows = 1; rows <= 5000; rows++) events.emit('batch:done', batchDone({ rows }));
  const { batch_stats } = only(statistics.render());
  assert.ok(batch_stats.length <= 520, `${batch_stats.length} sizes`);
  assert.equal(
    batch_stats.reduce((sum, batch) => sum + batch.compute_infer.count, 0),
    5000,
  );
});

const outcome = fc.constantFrom<RequestDone['outcome'][]>(
  'ok',
  'invalid',
  'overloaded',
  'model-failed',
  'deadline',
);
const ms = fc.integer({ min: 0, max: 10_000 }).map(tenths => tenths / 10);
const request = fc
  .record({
    outcome,
    rows: fc.integer({ min: 1, max: 40 }),
    queueMs: ms,
    inferMs: ms,
    decodeMs: ms,
    encodeMs: ms,
  })
  .map(done =>
    requestDone({ ...done, totalMs: done.queueMs + done.inferMs + done.decodeMs + done.encodeMs + 0.1 }),
  );
const batch = fc
  .record({ outcome, rows: fc.integer({ min: 1, max: 32 }), paddedRows: fc.nat(8), inferMs: ms })
  .map(done => batchDone({ ...done, roundTripMs: done.inferMs + 1 }));

test('whatever happened, the counts and times add up', () => {
  fc.assert(
    fc.property(fc.array(request), fc.array(batch), (requests, batches) => {
      const events = createEvents();
      const statistics = new Statistics(events);
      statistics.version('digits', '1');
      for (const done of requests) events.emit('request:done', done);
      for (const done of batches) events.emit('batch:done', done);
      const { inference_count, execution_count, inference_stats, batch_stats } = only(statistics.render());
      const answered = requests.filter(done => done.outcome === 'ok');
      const { success, fail, queue, compute_input, compute_infer, compute_output } = inference_stats;
      assert.equal(success.count + fail.count, requests.length);
      for (const part of [queue, compute_input, compute_infer, compute_output])
        assert.equal(part.count, answered.length);
      assert.ok(queue.ns + compute_input.ns + compute_infer.ns + compute_output.ns <= success.ns);
      assert.equal(
        inference_count,
        answered.reduce((rows, done) => rows + done.rows, 0),
      );
      assert.equal(execution_count, batches.length);
      const ran = batches.filter(done => done.outcome === 'ok');
      assert.equal(
        batch_stats.reduce((runs, { compute_infer: { count } }) => runs + count, 0),
        ran.length,
      );
      assert.equal(
        batch_stats.reduce((rows, { batch_size, compute_infer: { count } }) => rows + batch_size * count, 0),
        ran.reduce((rows, done) => rows + done.rows + done.paddedRows, 0),
      );
    }),
  );
});
