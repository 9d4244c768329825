import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { BatcherOptions } from '../../src/batch/batcher.ts';
import { GatewayError } from '../../src/errors.ts';
import { type Bench, bench, DYNAMIC, ints, request, tagged, turn, valuesOf } from './requests.ts';

/** A batcher whose clock and timers only move when the test says so. */
function timed(
  t: TestContext,
  options: Partial<BatcherOptions> = {},
  slots = 1,
): Bench & { tick(ms: number): Promise<void> } {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  return {
    ...bench({ now: () => Date.now(), ...options }, slots),
    tick: async ms => {
      t.mock.timers.tick(ms);
      await turn();
    },
  };
}
const sizes = ({ executor }: Bench): number[] => executor.started.map(({ execution }) => execution.rows);

test('a queued request gets its deadline error on time and never runs', async t => {
  const one = timed(t);
  const running = one.batcher.submit(request(tagged(1)));
  await one.executor.reached(1);
  const late = one.batcher.submit(request(tagged(2), { deadline: 50 }));
  const later = one.batcher.submit(request(tagged(3), { deadline: 80 }));
  await one.tick(49);
  assert.equal(one.batcher.queuedRows, 2);
  await one.tick(1);
  await assert.rejects(late.result, { code: 'deadline', message: /queued/ });
  assert.equal(one.batcher.queuedRows, 1);
  one.executor.started[0]?.succeed();
  await running.result;
  await one.executor.reached(2);
  one.executor.started[1]?.succeed();
  assert.deepEqual(valuesOf(await later.result), [3, 3]);
  assert.deepEqual(sizes(one), [1, 1]);
});

test('a running request gets its deadline error at once, its neighbour its answer', async t => {
  const one = timed(t, {}, 0);
  const late = one.batcher.submit(request(tagged(1), { deadline: 50 }));
  const stays = one.batcher.submit(request(tagged(2)));
  one.executor.addSlot();
  await one.executor.reached(1);
  await one.tick(50);
  await assert.rejects(late.result, { code: 'deadline', message: /running/ });
  one.executor.started[0]?.succeed();
  assert.deepEqual(valuesOf(await stays.result), [2, 2]);
});

test('an earlier deadline that arrives later is kept', async t => {
  const one = timed(t, {}, 0);
  const long = one.batcher.submit(request(tagged(1), { deadline: 100 }));
  const short = one.batcher.submit(request(tagged(2), { deadline: 10 }));
  await one.tick(10);
  await assert.rejects(short.result, { code: 'deadline' });
  assert.equal(one.batcher.queuedRows, 1);
  await one.tick(90);
  await assert.rejects(long.result, { code: 'deadline' });
  assert.deepEqual([one.batcher.queuedRows, one.batcher.queuedBytes, one.executor.outstanding], [0, 0, 0]);
});

test('a request that is past its deadline when a slot comes is not run, though no timer has rung', async t => {
  let now = 0;
  const one = bench({ now: () => now }, 0);
  const late = one.batcher.submit(request(tagged(1), { deadline: 50 }));
  now = 60;
  one.executor.addSlot();
  await assert.rejects(late.result, { code: 'deadline' });
  await turn();
  assert.deepEqual([one.executor.started.length, one.executor.released, one.executor.outstanding], [0, 1, 0]);
  await assert.rejects(one.batcher.submit(request(tagged(2), { deadline: 60 })).result, { code: 'deadline' });
  void t;
});

test('one timer serves all deadlines', async t => {
  const one = timed(t, {}, 0);
  const armed = t.mock.method(globalThis, 'setTimeout');
  const results = Array.from(
    { length: 90 },
    (_, i) => one.batcher.submit(request(tagged(i), { deadline: 1000 + i })).result,
  );
  assert.equal(armed.mock.callCount(), 1);
  const all = Promise.allSettled(results);
  await one.tick(2000);
  assert.ok((await all).every(({ status }) => status === 'rejected'));
});

test('a deadline beyond what a timer can count does not ring at once', async t => {
  const one = timed(t, {}, 0);
  const armed = t.mock.method(globalThis, 'setTimeout');
  void one.batcher.submit(request(tagged(1), { deadline: 2 ** 40 }));
  assert.equal(armed.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
});

test('with a queue delay a request waits for others, then goes with those that came', async t => {
  const one = timed(t, { maxQueueDelayMs: 10 });
  void one.batcher.submit(request(tagged(1)));
  await one.tick(6);
  void one.batcher.submit(request(tagged(2)));
  await one.tick(3);
  assert.deepEqual([sizes(one), one.executor.outstanding], [[], 0]);
  await one.tick(1);
  assert.deepEqual(sizes(one), [2]);
});

test('with a queue delay a full batch goes at once', async t => {
  const one = timed(t, { maxQueueDelayMs: 10 });
  for (let i = 0; i < 8; i++) void one.batcher.submit(request(tagged(i)));
  await turn();
  assert.deepEqual(sizes(one), [8]);
});

test('a request larger than a batch does not wait, its rest does', async t => {
  const one = timed(t, { maxQueueDelayMs: 10 }, 3);
  void one.batcher.submit(request(tagged(1, 18)));
  await turn();
  assert.deepEqual(sizes(one), [8, 8]);
  await one.tick(10);
  assert.deepEqual(sizes(one), [8, 8, 2]);
});

test('what was left over waits for its own delay, counted from its arrival', async t => {
  const one = timed(t, { maxQueueDelayMs: 10 }, 2);
  await one.tick(100);
  for (let i = 0; i < 7; i++) void one.batcher.submit(request(tagged(i)));
  await one.tick(5);
  for (let i = 0; i < 3; i++) void one.batcher.submit(request(tagged(i)));
  await turn();
  assert.deepEqual(sizes(one), [8]);
  await one.tick(9);
  assert.deepEqual(sizes(one), [8]);
  await one.tick(1);
  assert.deepEqual(sizes(one), [8, 2]);
});

test('a preferred size goes before the delay is over; above it under load, still the preferred size (server#8141)', async t => {
  const one = timed(t, { maxBatchSize: 32, maxQueueDelayMs: 10, preferredBatchSizes: [4] });
  for (let i = 0; i < 4; i++) void one.batcher.submit(request(tagged(i)));
  await turn();
  assert.deepEqual(sizes(one), [4]);
  for (let i = 0; i < 5; i++) void one.batcher.submit(request(tagged(i)));
  await one.tick(500);
  one.executor.started[0]?.succeed();
  await one.executor.reached(2);
  assert.deepEqual([sizes(one), one.batcher.queuedRows], [[4, 4], 1]);
  one.executor.started[1]?.succeed();
  await one.executor.reached(3);
  assert.deepEqual(sizes(one), [4, 4, 1]);
});

test('a shape whose batch is ready does not wait for another whose is not', async t => {
  const one = timed(t, { signature: DYNAMIC, maxBatchSize: 2, maxQueueDelayMs: 10 });
  void one.batcher.submit(request(ints([1])));
  void one.batcher.submit(request(ints([2, 2])));
  void one.batcher.submit(request(ints([2, 2])));
  await turn();
  assert.deepEqual(
    one.executor.started.map(({ execution }) => execution.inputs[0]?.shape),
    [[2, 2]],
  );
  assert.equal(one.batcher.queuedRows, 1);
});

test('a slot that comes when nothing is ready any more is given back, and asked for again in time', async t => {
  const one = timed(t, { maxBatchSize: 2, maxQueueDelayMs: 10 }, 0);
  void one.batcher.submit(request(tagged(1)));
  const gone = one.batcher.submit(request(tagged(2)));
  gone.cancel(new GatewayError('cancelled', 'gone'));
  one.executor.addSlot();
  await turn();
  assert.deepEqual([sizes(one), one.executor.released, one.executor.outstanding], [[], 1, 0]);
  await one.tick(10);
  assert.deepEqual(sizes(one), [1]);
});

test('draining holds nothing back', async t => {
  const one = timed(t, { maxQueueDelayMs: 1000 });
  const { result } = one.batcher.submit(request(tagged(1)));
  const drain = one.batcher.drain();
  await one.executor.reached(1);
  one.executor.started[0]?.succeed();
  await Promise.all([result, drain]);
});
