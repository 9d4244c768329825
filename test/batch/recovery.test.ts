import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Batcher } from '../../src/batch/batcher.ts';
import { type Past, recoveryOf } from '../../src/batch/recovery.ts';
import { RetryBudget } from '../../src/batch/retry-budget.ts';
import { type ErrorCode, GatewayError } from '../../src/errors.ts';
import { createEvents } from '../../src/events.ts';
import { ModelExecutor } from './model-executor.ts';
import { bench, DEFAULTS, request, tagged, turn, valuesOf } from './requests.ts';

const lost = () => new GatewayError('worker-failed', 'the worker went away');
const poisoned = () => new GatewayError('model-failed', 'index out of range');
const unlimited = { ran: () => undefined, take: () => true } as unknown as RetryBudget;

const CASES: readonly [string, ErrorCode, boolean, Partial<Past>, string][] = [
  ['the model, on several', 'model-failed', false, { requests: 8 }, 'halve anywhere'],
  ['the model, on one', 'model-failed', false, {}, 'fail'],
  ['the model, on several apart', 'model-failed', false, { requests: 2, where: 'apart' }, 'halve apart'],
  ['an odd reply to several', 'internal', false, { requests: 2 }, 'halve anywhere'],
  ['an odd reply to one', 'internal', false, {}, 'fail'],
  ['a death under several', 'worker-failed', false, { requests: 3, deaths: 1 }, 'halve apart'],
  ['a death under one', 'worker-failed', false, { deaths: 1 }, 'again apart'],
  ['a second death, under one', 'worker-failed', false, { deaths: 2, where: 'apart' }, 'condemn'],
  ['a second death, under several', 'worker-failed', false, { requests: 2, deaths: 2 }, 'halve apart'],
  ['no worker when it was sent', 'worker-failed', true, { requests: 5, misses: 1 }, 'again anywhere'],
  ['no process apart', 'worker-failed', true, { misses: 2, where: 'apart' }, 'again apart'],
  ['no worker for the third time', 'worker-failed', true, { misses: 3 }, 'fail'],
  ['a worker that has too much', 'overloaded', false, { requests: 4 }, 'fail'],
  ['a version that leaves', 'unavailable', false, { requests: 4 }, 'fail'],
  ['a refused request', 'invalid', false, { requests: 4 }, 'fail'],
  ['a deadline', 'deadline', false, { requests: 4 }, 'fail'],
];
for (const [name, code, notRun, past, expected] of CASES) {
  test(`recovery from ${name}: ${expected}`, () => {
    const whole: Past = { requests: 1, where: 'anywhere', deaths: 0, misses: 0, ...past };
    const recovery = recoveryOf(new GatewayError(code, 'x', { notRun }), whole);
    assert.equal('where' in recovery ? `${recovery.kind} ${recovery.where}` : recovery.kind, expected);
  });
}

/** A batcher whose first batch holds one request for each tag. */
async function runTogether(
  tags: readonly number[],
  judge: (tags: readonly number[], apart: boolean) => void,
  retryBudget = unlimited,
) {
  const executor = new ModelExecutor(judge);
  const batcher = new Batcher(
    { ...DEFAULTS, maxBatchSize: 64, maxQueueRows: 1000, retryBudget },
    executor,
    createEvents(),
  );
  const results = tags.map(tag => batcher.submit(request(tagged(tag))).result);
  const settled = await Promise.allSettled(results);
  await batcher.drain();
  return { settled, runs: executor.runs, batcher };
}

const failsOn = (bad: ReadonlySet<number>, error: () => GatewayError) => (tags: readonly number[]) => {
  if (tags.some(tag => bad.has(tag))) throw error();
};

test('of a batch with one culprit it alone fails, with its own error, in at most 2·log₂(b)+1 more runs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 64 }), fc.nat(), async (count, which) => {
      const culprit = which % count;
      const tags = Array.from({ length: count }, (_, i) => i);
      const { settled, runs } = await runTogether(tags, failsOn(new Set([culprit]), poisoned));
      for (const tag of tags) {
        const result = settled[tag] as PromiseSettledResult<{ outputs: never }>;
        if (tag === culprit) assert.equal(result.status === 'rejected' && result.reason.code, 'model-failed');
        else assert.deepEqual(result.status === 'fulfilled' && valuesOf(result.value), [tag, tag]);
      }
      const more = runs.length - 1;
      assert.ok(more <= 2 * Math.ceil(Math.log2(count)) + 1, `${more} more runs for ${count}`);
      assert.ok(runs.every(({ apart }) => !apart));
    }),
  );
});

test('of a batch with any culprits they alone fail', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 64 }), async isBad => {
      const bad = new Set(isBad.flatMap((is, tag) => (is ? [tag] : [])));
      const tags = isBad.map((_, tag) => tag);
      const { settled } = await runTogether(tags, failsOn(bad, poisoned));
      assert.deepEqual(
        settled.map(({ status }) => status === 'rejected'),
        isBad,
      );
    }),
  );
});

test('rows whose worker went down run again only apart, halved, and the one that does it is condemned', async () => {
  const tags = Array.from({ length: 16 }, (_, i) => i);
  const { settled, runs, batcher } = await runTogether(tags, failsOn(new Set([5]), lost));
  assert.deepEqual(
    settled.flatMap(({ status }, tag) => (status === 'rejected' ? [tag] : [])),
    [5],
  );
  assert.match(String((settled[5] as PromiseRejectedResult).reason), /took its worker process down twice/);
  assert.deepEqual(runs[0], { apart: false, rows: 16 });
  assert.ok(runs.slice(1).every(({ apart, rows }) => apart && rows <= 8));
  await batcher.drain();
});

test('a condemned input is refused before it runs, for a while, and no other input is', async () => {
  let now = 0;
  const executor = new ModelExecutor(failsOn(new Set([5]), lost));
  const batcher = new Batcher(
    { ...DEFAULTS, retryBudget: unlimited, now: () => now },
    executor,
    createEvents(),
  );
  const submit = (tag: number) => batcher.submit(request(tagged(tag))).result;
  await assert.rejects(submit(5), /twice/);
  const before = executor.runs.length;
  await assert.rejects(submit(5), /refused for 600 s/);
  assert.equal(executor.runs.length, before);
  assert.deepEqual(valuesOf(await submit(6)), [6, 6]);
  now = 600_001;
  await assert.rejects(submit(5), /twice/);
  assert.ok(executor.runs.length > before + 1);
});

test('a lost worker costs the budget one run, however many its rows then take', async () => {
  const allowed = [true];
  const once = { ran: () => undefined, take: () => allowed.pop() ?? false } as unknown as RetryBudget;
  const tags = Array.from({ length: 16 }, (_, i) => i);
  const { settled } = await runTogether(tags, failsOn(new Set([5]), lost), once);
  assert.deepEqual(
    settled.flatMap(({ status }, tag) => (status === 'rejected' ? [tag] : [])),
    [5],
  );
  const spent = await runTogether(tags, failsOn(new Set([5]), lost), once);
  assert.ok(spent.settled.every(({ status }) => status === 'rejected'));
});

test('an input that takes workers down is known although its callers leave, and who was only beside it is acquitted', async () => {
  const leaving: (() => void)[] = [];
  const executor = new ModelExecutor(tags => {
    for (const leave of leaving.splice(0)) leave();
    if (tags.includes(5)) throw lost();
  });
  const batcher = new Batcher(
    { ...DEFAULTS, maxBatchSize: 2, retryBudget: unlimited },
    executor,
    createEvents(),
  );
  const submit = (tag: number) => batcher.submit(request(tagged(tag)));
  const askAndLeave = (tag: number) => {
    const submission = submit(tag);
    leaving.push(() => submission.cancel(new GatewayError('cancelled', 'the caller left')));
    return assert.rejects(submission.result, /the caller left/);
  };
  await Promise.all([askAndLeave(5), askAndLeave(6)]);
  await turn();
  assert.deepEqual(executor.runs, [{ apart: false, rows: 2 }]);

  await askAndLeave(5);
  await turn();
  assert.deepEqual(executor.runs.slice(1), [{ apart: true, rows: 1 }]);
  await assert.rejects(submit(5).result, /refused/);

  assert.deepEqual(valuesOf(await submit(6).result), [6, 6]);
  assert.deepEqual(valuesOf(await submit(6).result), [6, 6]);
  assert.deepEqual(executor.runs.slice(2), [
    { apart: true, rows: 1 },
    { apart: false, rows: 1 },
  ]);
  await batcher.drain();
});

test('an input that took a worker down is known although its caller leaves before it has run apart', async () => {
  let leave = () => {};
  const executor = new ModelExecutor(failsOn(new Set([5]), lost));
  const events = createEvents();
  const batcher = new Batcher({ ...DEFAULTS, retryBudget: unlimited }, executor, events);
  // The first run has failed, and the next has not begun.
  events.on('batch:done', () => leave());
  const { promise: left, resolve } = Promise.withResolvers<void>();
  const submission = batcher.submit(request(tagged(5)));
  leave = () => {
    leave = () => {};
    submission.cancel(new GatewayError('cancelled', 'the caller left'));
    resolve();
  };
  await assert.rejects(submission.result, /the caller left/);
  await left;
  await turn();
  const before = executor.runs.length;
  await assert.rejects(batcher.submit(request(tagged(5))).result, /twice/);
  assert.deepEqual(executor.runs.slice(before), [{ apart: true, rows: 1 }]);
  await batcher.drain();
});

test('a worker that went away for other reasons costs nobody an answer', async () => {
  let deaths = 0;
  const { settled, runs } = await runTogether([1, 2, 3], () => {
    if (deaths++ === 0) throw lost();
  });
  assert.ok(settled.every(({ status }) => status === 'fulfilled'));
  assert.deepEqual(runs, [
    { apart: false, rows: 3 },
    { apart: true, rows: 2 },
    { apart: true, rows: 1 },
  ]);
});

test('what could not be run at all runs again whole, where any batch does, three times at most', async () => {
  let misses = 0;
  const gone = () => new GatewayError('worker-failed', 'gone', { notRun: true });
  const twice = await runTogether([1, 2], () => {
    if (misses++ < 2) throw gone();
  });
  assert.ok(twice.settled.every(({ status }) => status === 'fulfilled'));
  assert.deepEqual(twice.runs, Array(3).fill({ apart: false, rows: 2 }));
  const never = await runTogether([1, 2], () => {
    throw gone();
  });
  assert.ok(never.settled.every(({ status }) => status === 'rejected'));
  assert.equal(never.runs.length, 3);
});

test('with its retry budget spent a model fails what its worker lost, but culprits are still found', async () => {
  const spent = { ran: () => undefined, take: () => false } as unknown as RetryBudget;
  const died = await runTogether([1, 2], failsOn(new Set([1]), lost), spent);
  assert.ok(died.settled.every(({ status }) => status === 'rejected'));
  assert.equal(died.runs.length, 1);
  const found = await runTogether([1, 2], failsOn(new Set([1]), poisoned), spent);
  assert.deepEqual(
    found.settled.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});

test('a caller who leaves while its rows wait to run again is not run, and does not hold up leaving', async () => {
  const { batcher, executor } = bench({ retryBudget: unlimited }, 0);
  const [first, second] = [1, 2].map(tag => batcher.submit(request(tagged(tag))));
  executor.addSlot();
  await executor.reached(1);
  executor.started[0]?.fail(poisoned());
  // Asked for, and not granted before the next turn of the loop frees the slot.
  while (executor.outstanding === 0) await undefined;
  second?.cancel(new GatewayError('cancelled', 'gone'));
  await assert.rejects(second?.result as Promise<unknown>, { code: 'cancelled' });
  await executor.reached(2);
  executor.started[1]?.succeed();
  await first?.result;
  await batcher.drain();
  assert.deepEqual(
    executor.started.map(({ execution }) => execution.rows),
    [2, 1],
  );
});

test('closing fails what waits to run again', async () => {
  const executor = new ModelExecutor(() => {
    throw lost();
  });
  executor.acquireApart = () => () => undefined;
  const batcher = new Batcher({ ...DEFAULTS, retryBudget: unlimited }, executor, createEvents());
  const { result } = batcher.submit(request(tagged(1)));
  while (executor.runs.length === 0) await turn();
  await turn();
  batcher.close(new GatewayError('unavailable', 'unloaded'));
  await assert.rejects(result, { code: 'unavailable' });
  await batcher.drain();
});

test('a retry budget earns a tenth of a run for each first one, and three a second', () => {
  const budget = new RetryBudget(0);
  const allowed = (now: number, tries = 1000) =>
    Array.from({ length: tries }, () => budget.take(now)).filter(is => is).length;
  assert.equal(allowed(0), 3);
  assert.equal(allowed(500), 1);
  assert.equal(allowed(60_000), 3);
  for (let run = 0; run < 201; run++) budget.ran();
  assert.equal(allowed(60_000), 20);
  for (let run = 0; run < 10_000; run++) budget.ran();
  assert.equal(allowed(60_000), 100);
});
