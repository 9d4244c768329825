import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { BatcherOptions } from '../../src/batch/batcher.ts';
import { type LatencyPoint, usualMsOf } from '../../src/batch/latency-points.ts';
import type { RetryBudget } from '../../src/batch/retry-budget.ts';
import { GatewayError } from '../../src/errors.ts';
import type { BatchDone } from '../../src/events.ts';
import { Pressure } from '../../src/pressure.ts';
import type { FakeExecutor } from './fake-executor.ts';
import { bench, request, tagged, turn, valuesOf } from './requests.ts';

const unlimited = { ran: () => undefined, take: () => true } as unknown as RetryBudget;
const point: LatencyPoint = {
  ...{ rows: 1, runs: 20, runMs: 10, upperMs: 12, overheadMs: 3, leastOverheadMs: 1 },
};

const USUAL: readonly [string, LatencyPoint | undefined, number | undefined][] = [
  ['the 95th percentile of the run and the way', point, 15],
  ['with the way at load where no other was seen', { ...point, overheadMs: Number.NaN }, 13],
  ['unknown where nothing is', undefined, undefined],
  ['unknown where no run was', { ...point, upperMs: Number.NaN }, undefined],
];
for (const [name, expected, ms] of USUAL) {
  test(`what a batch usually takes at most is ${name}`, () => assert.equal(usualMsOf(expected), ms));
}

/** A batcher that has learned that a batch of one takes 10 ms. */
async function learned(t: TestContext, options: Partial<BatcherOptions> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { batcher, executor, events } = bench({
    ...{ now: () => Date.now(), hedges: true, retryBudget: unlimited },
    ...options,
  });
  const done: BatchDone['again'][] = [];
  events.on('batch:done', ({ again }) => done.push(again));
  for (let run = 1; run <= 4; run++) {
    const { result } = batcher.submit(request(tagged(run)));
    await executor.reached(run);
    t.mock.timers.tick(10);
    executor.started.at(-1)?.succeed(undefined, 10);
    await result;
    await turn();
  }
  return { batcher, executor, done: () => done.slice(4) };
}

async function tick(t: TestContext, ms: number): Promise<void> {
  t.mock.timers.tick(ms);
  await turn();
}

const starts = ({ started, startedElsewhere }: FakeExecutor) => [started.length - 4, startedElsewhere.length];

test('a batch that takes longer than usual goes to an idle worker too, and the first answer counts', async t => {
  const { batcher, executor, done } = await learned(t);
  executor.idleElsewhere = 1;
  const { result } = batcher.submit(request(tagged(7)));
  await executor.reached(5);
  await tick(t, 9);
  assert.deepEqual(starts(executor), [1, 0]);
  await tick(t, 1);
  assert.deepEqual(starts(executor), [1, 1]);
  executor.startedElsewhere[0]?.succeed();
  const answer = await result;
  assert.deepEqual(valuesOf(answer), [7, 7]);
  assert.equal(answer.inputsInUse, true, 'the first run still reads its inputs');
  executor.started[4]?.succeed();
  await turn();
  assert.deepEqual(done(), ['hedged', undefined]);
  await batcher.drain();
});

test('a batch that ends in time is not sent twice', async t => {
  const { batcher, executor } = await learned(t);
  executor.idleElsewhere = 1;
  const { result } = batcher.submit(request(tagged(7)));
  await executor.reached(5);
  executor.started[4]?.succeed();
  assert.equal((await result).inputsInUse, false);
  await tick(t, 1000);
  assert.deepEqual(starts(executor), [1, 0]);
});

test('a hedge that fails is nobody’s failure, and a run that fails beside its hedge is recovered from', async t => {
  const { batcher, executor } = await learned(t);
  executor.idleElsewhere = 1;
  const { result } = batcher.submit(request(tagged(7)));
  await executor.reached(5);
  await tick(t, 10);
  assert.deepEqual(starts(executor), [1, 1]);
  executor.startedElsewhere[0]?.fail(new GatewayError('model-failed', 'no'));
  await turn();
  executor.started[4]?.succeed();
  assert.deepEqual(valuesOf(await result), [7, 7]);
});

test('a run that loses its worker waits for its hedge, and runs no third time when that answers', async t => {
  const { batcher, executor } = await learned(t);
  executor.idleElsewhere = 1;
  const { result } = batcher.submit(request(tagged(7)));
  await executor.reached(5);
  await tick(t, 10);
  executor.started[4]?.fail(new GatewayError('worker-failed', 'the worker went away'));
  await turn();
  assert.deepEqual(starts(executor), [1, 1]);
  executor.startedElsewhere[0]?.succeed();
  assert.deepEqual(valuesOf(await result), [7, 7]);
  await batcher.drain();
  assert.deepEqual(starts(executor), [1, 1]);
});

const UNHEDGED: readonly [string, Partial<BatcherOptions>, number][] = [
  ['without an idle worker', {}, 0],
  [
    'with its budget spent',
    { retryBudget: { ran: () => undefined, take: () => false } as unknown as RetryBudget },
    1,
  ],
  ['where it is not wanted', { hedges: false }, 1],
  ['under pressure', { pressure: Object.assign(new Pressure(), { taken: 1 }) }, 1],
];
for (const [name, options, idle] of UNHEDGED) {
  test(`${name} a late batch is only waited for`, async t => {
    const { batcher, executor } = await learned(t, options);
    executor.idleElsewhere = idle;
    const { result } = batcher.submit(request(tagged(7)));
    await executor.reached(5);
    await tick(t, 1000);
    assert.deepEqual([...starts(executor), executor.idleElsewhere], [1, 0, idle]);
    executor.started[4]?.succeed();
    await result;
  });
}

test('a batch with a part of a larger request is not sent twice: its parts are counted', async t => {
  const { batcher, executor } = await learned(t);
  executor.idleElsewhere = 1;
  const { result } = batcher.submit(request(tagged(7, 12)));
  await executor.reached(5);
  await tick(t, 1000);
  assert.deepEqual(starts(executor), [1, 0]);
  executor.started[4]?.succeed();
  await executor.reached(6);
  executor.started[5]?.succeed();
  await result;
});
