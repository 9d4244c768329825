/** What the batcher does with what it has learned; its clock only moves when the test says so. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { BatcherOptions } from '../../src/batch/batcher.ts';
import type { MeasuredSize } from '../../src/batch/latency-table.ts';
import { GatewayError } from '../../src/errors.ts';
import { type Bench, bench, DYNAMIC, ints, request, tagged, turn, valuesOf } from './requests.ts';

/** 20 ms a run whatever its size, and 2 ms for the way. */
const FLAT: readonly MeasuredSize[] = [1, 2, 4, 8].map(rows => ({
  kind: 'cpu',
  rows,
  inferMs: 20,
  roundTripMs: 22,
}));
/** 20 ms a row, and 1 for its way. */
const STEEP: readonly MeasuredSize[] = [1, 2, 4, 8].map(rows => ({
  kind: 'cpu',
  rows,
  inferMs: 20 * rows,
  roundTripMs: 21 * rows,
}));

interface Timed extends Bench {
  tick(ms: number): Promise<void>;
  /** Ends the execution, which took `inferMs` in the engine. */
  end(index: number, inferMs: number): Promise<void>;
  sizes(): number[];
}

function timed(t: TestContext, options: Partial<BatcherOptions>, slots = 1): Timed {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const one = bench({ now: () => Date.now(), maxQueueDelayMs: 'auto', ...options }, slots);
  return {
    ...one,
    tick: async ms => {
      t.mock.timers.tick(ms);
      await turn();
    },
    end: async (index, inferMs) => {
      one.executor.started[index]?.succeed(undefined, inferMs);
      await turn();
      await turn();
    },
    sizes: () => one.executor.started.map(({ execution }) => execution.rows),
  };
}

/** Three runs, so that predictions are acted on. */
async function proven(one: Timed, inferMs: number, roundTripMs: number): Promise<void> {
  for (let run = 0; run < 3; run++) {
    const { result } = one.batcher.submit(request(tagged(run)));
    await one.executor.reached(run + 1);
    await one.tick(roundTripMs);
    await one.end(run, inferMs);
    await result;
  }
}

test('the next batch leaves so early that it is there when the one before it ends, and no earlier', async t => {
  const one = timed(t, { measured: FLAT, sendsAhead: true });
  const first = one.batcher.submit(request(tagged(1)));
  await one.executor.reached(1);
  const second = one.batcher.submit(request(tagged(2)));
  await one.tick(18);
  assert.deepEqual([one.executor.yielded, one.sizes()], [0, [1]], 'not yet');
  const third = one.batcher.submit(request(tagged(3)));
  await one.tick(1);
  assert.deepEqual([one.executor.yielded, one.sizes()], [1, [1, 2]], 'with all that came until then');
  await one.end(0, 20);
  await one.end(1, 20);
  for (const [i, { result }] of [first, second, third].entries()) {
    assert.deepEqual(valuesOf(await result), [i + 1, i + 1]);
  }
});

test('told not to, it sends nothing ahead', async t => {
  const one = timed(t, { measured: FLAT, sendsAhead: false });
  one.batcher.submit(request(tagged(1)));
  await one.executor.reached(1);
  one.batcher.submit(request(tagged(2)));
  await one.tick(60);
  assert.deepEqual([one.executor.yielded, one.sizes()], [0, [1]]);
  await one.end(0, 20);
  assert.deepEqual(one.sizes(), [1, 1]);
  await one.end(1, 20);
});

test('a model that gains nothing from batches is given none', async t => {
  const one = timed(t, { measured: STEEP }, 0);
  const results = [1, 2, 3].map(tag => one.batcher.submit(request(tagged(tag))).result);
  for (let run = 0; run < 3; run++) {
    if (run === 0) one.executor.addSlot();
    await one.executor.reached(run + 1);
    await one.end(run, 20);
  }
  await Promise.all(results);
  assert.deepEqual(one.sizes(), [1, 1, 1]);
});

test('a request of many rows is divided over the free workers, and comes back whole', async t => {
  const one = timed(t, { measured: STEEP }, 4);
  const { result } = one.batcher.submit(request(ints([1, 1, 2, 2, 3, 3, 4, 4], 4)));
  await one.executor.reached(4);
  assert.deepEqual(one.sizes(), [1, 1, 1, 1]);
  for (const index of [2, 0, 3, 1]) await one.end(index, 20);
  assert.deepEqual(valuesOf(await result), [1, 1, 2, 2, 3, 3, 4, 4]);
});

test('whoever could not be answered in time is refused at the door, and told when to come again', async t => {
  const one = timed(t, { measured: STEEP });
  await proven(one, 20, 21);
  const patient = [1, 2, 3, 4, 5, 6].map(tag => one.batcher.submit(request(tagged(tag))).result);
  await one.executor.reached(4);
  const hasty = one.batcher.submit(request(tagged(7), { deadline: Date.now() + 60 }));
  await assert.rejects(hasty.result, (error: unknown) => {
    assert.ok(error instanceof GatewayError);
    assert.equal(error.code, 'overloaded');
    assert.match(error.message, /too long to answer before the deadline/);
    assert.ok((error.retryAfterMs ?? 0) > 20 && (error.retryAfterMs ?? 0) < 200, `${error.retryAfterMs}`);
    return true;
  });
  const calm = one.batcher.submit(request(tagged(8), { deadline: Date.now() + 1000 }));
  for (let run = 3; run < 10; run++) await one.end(run, 20);
  await Promise.all([...patient, calm.result]);
});

test('only those as urgent or more stand before a request: with many less urgent ones waiting it is let in', async t => {
  const one = timed(t, { measured: STEEP, priorityLevels: 2 });
  await proven(one, 20, 21);
  const patient = [1, 2, 3, 4, 5, 6].map(
    tag => one.batcher.submit(request(tagged(tag), { priority: 2 })).result,
  );
  await one.executor.reached(4);
  const deadline = Date.now() + 60;
  const asUrgent = one.batcher.submit(request(tagged(7), { deadline, priority: 2 }));
  await assert.rejects(asUrgent.result, /too long to answer before the deadline/);
  const urgent = one.batcher.submit(request(tagged(8), { deadline, priority: 1 }));
  for (let run = 3; run < 10; run++) await one.end(run, 20);
  assert.deepEqual(valuesOf(await urgent.result), [8, 8]);
  await Promise.all(patient);
});

/** A worker that is never idle, at 20 ms a row. */
async function busyFor(one: Timed, ms: number): Promise<void> {
  const until = Date.now() + ms;
  while (Date.now() < until) {
    while (one.batcher.queuedRows < 8) one.batcher.submit(request(tagged(1)));
    const run = one.executor.started.length - 1;
    const rows = one.executor.started[run]?.execution.rows ?? 0;
    await one.tick(20 * rows);
    await one.end(run, 20 * rows);
  }
}

/** Whether a request with so much time is let in; it leaves at once. */
async function isLetIn({ batcher }: Timed, withinMs: number): Promise<boolean> {
  const asked = batcher.submit(request(tagged(9), { deadline: Date.now() + withinMs }));
  asked.cancel(new GatewayError('cancelled', 'gone'));
  const why = await asked.result.catch((error: GatewayError) => error.code);
  return why === 'cancelled';
}

test('a run that hangs says nothing of how fast work is done: who comes then is let in as before', async t => {
  const one = timed(t, { measured: STEEP });
  await proven(one, 20, 21);
  one.batcher.submit(request(tagged(1)));
  await one.executor.reached(4);
  await busyFor(one, 3000);
  assert.deepEqual([await isLetIn(one, 100), await isLetIn(one, 500)], [false, true]);
  for (let ms = 0; ms < 3000; ms += 100) {
    await one.tick(100);
    await isLetIn(one, 500);
  }
  assert.deepEqual([await isLetIn(one, 100), await isLetIn(one, 500)], [false, true]);
});

test('before anything has run nobody is refused for a prediction, and with nothing waiting nobody ever is', async t => {
  const one = timed(t, { measured: STEEP });
  const runs = [1, 2, 3].map(tag => one.batcher.submit(request(tagged(tag))).result);
  const hasty = one.batcher.submit(request(tagged(4), { deadline: Date.now() + 5 }));
  assert.equal(one.batcher.queuedRows, 4);
  await one.executor.reached(1);
  await one.tick(5);
  await assert.rejects(hasty.result, { code: 'deadline' });
  for (let run = 0; run < 3; run++) await one.end(run, 20);
  await Promise.all(runs);
  const alone = one.batcher.submit(request(tagged(5), { deadline: Date.now() + 5 }));
  await one.executor.reached(4);
  await one.end(3, 20);
  assert.deepEqual(valuesOf(await alone.result), [5, 5]);
});

test('what waits and cannot be answered in time any more is let go when a worker is free, the last of a queue is tried', async t => {
  const one = timed(t, { measured: STEEP });
  await proven(one, 20, 21);
  const running = one.batcher.submit(request(tagged(1)));
  await one.executor.reached(4);
  const deadline = Date.now() + 100;
  const [late, tried] = [2, 3].map(tag => one.batcher.submit(request(tagged(tag), { deadline })).result);
  await one.tick(85);
  await Promise.all([
    assert.rejects(late as Promise<unknown>, { code: 'deadline', message: /would have passed/ }),
    one.end(3, 84),
  ]);
  await running.result;
  await one.executor.reached(5);
  await one.end(4, 20);
  assert.deepEqual(valuesOf(await (tried as typeof running.result)), [3, 3]);
  assert.deepEqual(one.sizes(), [1, 1, 1, 1, 1]);
});

test('what was learned can be looked at', async t => {
  const one = timed(t, { measured: STEEP });
  await proven(one, 30, 32);
  const [learned] = one.batcher.learned(9);
  assert.deepEqual({ kind: learned?.kind, signature: learned?.signature }, { kind: 'cpu', signature: '' });
  const single = learned?.sizes.find(({ rows }) => rows === 1);
  assert.deepEqual([single?.runs, single?.runMs, single?.overheadMs], [3, 30, 2]);
});

test('a failed run teaches nothing', async t => {
  const one = timed(t, { measured: STEEP });
  const { result } = one.batcher.submit(request(tagged(1)));
  await one.executor.reached(1);
  await one.tick(500);
  one.executor.started[0]?.fail(new GatewayError('model-failed', 'no'));
  await assert.rejects(result);
  assert.ok(one.batcher.learned(9)[0]?.sizes.every(({ runs }) => runs === 0));
});

test('a queue that is held does not hold another whose batch is full', async t => {
  const one = timed(t, { measured: FLAT, signature: DYNAMIC }, 2);
  const first = one.batcher.submit(request(ints([1, 1])));
  await one.executor.reached(1);
  await one.tick(1);
  const held = one.batcher.submit(request(ints(new Array<number>(10).fill(2), 5)));
  await turn();
  assert.deepEqual(one.sizes(), [1], 'runs that take as long with more rows start apart');
  const full = one.batcher.submit(request(ints(new Array<number>(24).fill(3), 8)));
  await turn();
  assert.deepEqual(one.sizes(), [1, 8]);
  for (const run of [0, 1, 2]) {
    await one.tick(20);
    await one.executor.reached(run + 1);
    await one.end(run, 20);
  }
  await Promise.all([first.result, held.result, full.result]);
});
