import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { allowedMs, RunWatch } from '../../src/pool/run-watch.ts';

const LIMITS: readonly [string, number | undefined, number, number][] = [
  ['ten times what is usual', 500, 120_000, 5000],
  ['a second at least', 3, 120_000, 1000],
  ['no longer than where nothing is known', 50_000, 120_000, 120_000],
  ['the limit where nothing is known', undefined, 60_000, 60_000],
];
for (const [name, learned, unknown, expected] of LIMITS) {
  test(`a run may take ${name}`, () => assert.equal(allowedMs(learned, unknown), expected));
}

const STEP_MS = 50;

function watched(t: TestContext, seats = 1) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const hung: number[] = [];
  const lagged: number[] = [];
  const watch = new RunWatch(
    () => Date.now(),
    { hangs: ({ startedAt }) => hung.push(startedAt), lags: ({ startedAt }) => lagged.push(startedAt) },
    seats,
  );
  // The mocked clock jumps to the end of a tick before any timer rings: a long one would be a process that stood still.
  const tick = (ms: number): void => {
    for (let left = ms; left > 0; left -= STEP_MS) t.mock.timers.tick(Math.min(STEP_MS, left));
  };
  return { watch, hung, lagged, tick };
}

test('a run that is too old is told of, once', t => {
  const { watch, hung, tick } = watched(t);
  watch.begin(1000);
  tick(999);
  assert.deepEqual(hung, []);
  tick(1);
  assert.deepEqual(hung, [0]);
  tick(10_000);
  assert.deepEqual(hung, [0]);
});

test('a run that takes a quarter of what it may is told of once, before it hangs; one that is quicker is not', t => {
  const { watch, hung, lagged, tick } = watched(t);
  const quick = watch.begin(1000);
  const slow = watch.begin(1000);
  tick(249);
  watch.end(quick);
  tick(249);
  assert.deepEqual(lagged, []);
  tick(1);
  assert.deepEqual([lagged, hung], [[slow.startedAt], []]);
  tick(749);
  assert.deepEqual([lagged, hung], [[slow.startedAt], []]);
  tick(1);
  assert.deepEqual([lagged, hung], [[slow.startedAt], [slow.startedAt]]);
});

test('runs that end in time are not told of, and each has a limit of its own', t => {
  const { watch, hung, tick } = watched(t, 2);
  const quick = watch.begin(1000);
  tick(500);
  watch.begin(2000);
  watch.end(quick);
  tick(500);
  tick(1499);
  assert.deepEqual([hung, watch.running], [[], 1]);
  tick(1);
  assert.deepEqual(hung, [500]);
});

test('what was sent ahead may take its time from when it has a seat, however many were sent ahead before it', t => {
  const { watch, hung, tick } = watched(t);
  let running = watch.begin(1000);
  for (let i = 0; i < 20; i++) {
    const ahead = watch.begin(1000);
    tick(100);
    watch.end(running);
    running = ahead;
  }
  const last = watch.begin(1000);
  for (let i = 0; i < 9; i++) tick(100);
  tick(99);
  assert.deepEqual(hung, []);
  tick(1);
  assert.deepEqual(hung, [running.startedAt]);
  assert.equal(last.due, Number.POSITIVE_INFINITY);
});

test('one that leaves while it waits leaves the seats as they are', t => {
  const { watch, hung, tick } = watched(t);
  watch.begin(1000);
  const ahead = watch.begin(1000);
  const next = watch.begin(1000);
  tick(500);
  watch.end(ahead);
  assert.equal(next.due, Number.POSITIVE_INFINITY);
  tick(500);
  assert.deepEqual(hung, [0]);
});

test('when this process stood still itself, runs get as much time again', t => {
  const { watch, hung } = watched(t);
  let now = 0;
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const late = new RunWatch(() => now, { hangs: ({ startedAt }) => hung.push(startedAt) });
  assert.equal(watch.running, 0);
  late.begin(1000);
  now = 5000;
  t.mock.timers.tick(1000);
  now = 5001;
  t.mock.timers.tick(1);
  assert.deepEqual(hung, []);
  now = 6000;
  t.mock.timers.tick(1000);
  assert.deepEqual(hung, [0]);
});
