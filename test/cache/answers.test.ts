import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RequestUnits } from '../../src/cache/request-units.ts';
import type { StoredResult } from '../../src/cache/stored-result.ts';
import { GatewayError } from '../../src/errors.ts';
import type { CacheControl, Inference, Lease, SharedSubmission } from '../../src/inference.ts';
import { Pressure } from '../../src/pressure.ts';
import type { Tensor } from '../../src/tensor.ts';
import { ints, request, turn, valuesOf } from '../batch/requests.ts';
import { type CacheBench, cacheBench } from './fake-compute.ts';

const ask = (values: readonly number[], rows = 1, rest: Partial<Inference> = {}): Inference =>
  request(ints(values, rows), rest);
const control = (over: Partial<CacheControl>): Partial<Inference> => ({
  cacheControl: { reads: true, stores: true, onlyIfCached: false, maxStaleMs: 0, ...over },
});
const gone = new GatewayError('cancelled', 'gone');

/** A second level that has these results, and hands them out when told. */
function fakeLevel(found: StoredResult | undefined) {
  const gate = Promise.withResolvers<void>();
  return {
    give: () => gate.resolve(),
    get: async (keys: readonly string[], isUsable: (stored: StoredResult) => boolean) => {
      await gate.promise;
      return keys.map(() => (found !== undefined && isUsable(found) ? found : undefined));
    },
    set: () => {},
  };
}
const SHARED: StoredResult = { outputs: [ints([2, 4])], storedAt: Date.now() };

/** Stores the answer to one row. */
async function warm(bench: ReturnType<typeof cacheBench>, values: readonly number[]): Promise<void> {
  const { result } = bench.answers.submit(ask(values));
  bench.last().answer();
  await result;
}

test('the same request is answered from what was kept, and told so', async () => {
  const bench = cacheBench();
  const first = bench.answers.submit(ask([1, 2]));
  bench.last().answer();
  assert.deepEqual((await first.result).cache, { outcome: 'miss', ageMs: undefined, rowsRun: 1 });
  const second = await bench.answers.submit(ask([1, 2])).result;
  assert.deepEqual(valuesOf(second), [2, 4]);
  assert.equal(second.cache?.outcome, 'hit');
  assert.equal(second.cache?.rowsRun, 0);
  assert.equal(bench.runs.length, 1);
});

test('what is kept is a copy: the memory it came in may be used again', async () => {
  const bench = cacheBench();
  const held = { holds: 1 };
  const lease: Lease = { hold: () => held.holds++, release: () => held.holds-- };
  const first = bench.answers.submit(ask([1, 2]));
  bench.last().answer(lease);
  const { outputs } = await first.result;
  assert.equal(held.holds, 1);
  (outputs[0] as Tensor).data.fill(0xff);
  lease.release();
  assert.deepEqual(valuesOf(await bench.answers.submit(ask([1, 2])).result), [2, 4]);
});

test('other bytes, another shape and other outputs are other questions', async () => {
  const bench = cacheBench();
  await warm(bench, [1, 2]);
  for (const other of [ask([1, 3]), ask([1, 2, 0]), ask([1, 2], 2), ask([1, 2], 1, { outputs: ['y'] })]) {
    bench.answers.submit(other).result.catch(() => {});
  }
  assert.equal(bench.runs.length, 5);
});

test('requests that are the same while one is under way share its run, with and without a cache', async () => {
  for (const keeps of [true, false]) {
    const bench = cacheBench({ keeps });
    const all = Array.from({ length: 100 }, () => bench.answers.submit(ask([1, 2])));
    assert.equal(bench.runs.length, 1);
    bench.last().answer();
    const results = await Promise.all(all.map(one => one.result));
    assert.ok(results.every(result => valuesOf(result).join() === '2,4'));
    assert.equal(results[0]?.cache?.outcome, keeps ? 'miss' : undefined);
    assert.ok(results.slice(1).every(({ cache }) => cache?.outcome === 'coalesced' && cache.rowsRun === 0));
    assert.equal(bench.answers.underWay, 0);
  }
});

test('nothing is joined where that is switched off', () => {
  const bench = cacheBench({ coalesces: false });
  bench.answers.submit(ask([1, 2]));
  bench.answers.submit(ask([1, 2]));
  assert.equal(bench.runs.length, 2);
});

test('of a request’s rows those that are known or under way are not run again', async () => {
  const bench = cacheBench();
  await warm(bench, [1, 1]);
  const other = bench.answers.submit(ask([2, 2]));
  const underWay = bench.last();
  const rows = bench.answers.submit(ask([1, 1, 3, 3, 2, 2, 4, 4], 4));
  assert.deepEqual(bench.last().values, [3, 3, 4, 4]);
  assert.equal(bench.last().inference.rows, 2);
  underWay.answer();
  bench.last().answer();
  const result = await rows.result;
  assert.deepEqual(valuesOf(result), [2, 2, 6, 6, 4, 4, 8, 8]);
  assert.deepEqual(result.outputs[0]?.shape, [4, 2]);
  assert.deepEqual([result.cache?.outcome, result.cache?.rowsRun], ['miss', 2]);
  assert.deepEqual(valuesOf(await other.result), [4, 4]);
});

test('equal rows of one request run once', async () => {
  const bench = cacheBench({ keeps: false });
  const { result } = bench.answers.submit(ask([5, 5, 6, 6, 5, 5], 3));
  assert.deepEqual(bench.last().values, [5, 5, 6, 6]);
  bench.last().answer();
  assert.deepEqual(valuesOf(await result), [10, 10, 12, 12, 10, 10]);
});

test('where rows are not independent only whole requests are the same', async () => {
  const bench = cacheBench({ byRow: false });
  const both = bench.answers.submit(ask([1, 1, 2, 2], 2));
  bench.last().answer();
  await both.result;
  bench.answers.submit(ask([1, 1]));
  assert.equal(bench.runs.length, 2);
  assert.deepEqual(valuesOf(await bench.answers.submit(ask([1, 1, 2, 2], 2)).result), [2, 2, 4, 4]);
});

test('who began a run may leave: it goes on for the others, and ends with the last of them', async () => {
  const bench = cacheBench();
  const [leader, second, third] = [1, 2, 3].map(() => bench.answers.submit(ask([1, 2])));
  leader?.cancel(gone);
  await assert.rejects(leader?.result as Promise<unknown>, gone);
  assert.equal(bench.last().cancelledWith, undefined);
  second?.cancel(gone);
  await assert.rejects(second?.result as Promise<unknown>, gone);
  third?.cancel(gone);
  await assert.rejects(third?.result as Promise<unknown>, gone);
  assert.equal(bench.last().cancelledWith, gone);
  await turn();
  assert.equal(bench.answers.underWay, 0);
});

test('a run is wanted by the earliest deadline of who waits, kept until the latest, and as urgent as the most urgent', () => {
  const bench = cacheBench();
  bench.answers.submit(ask([1, 2], 1, { deadline: 500, priority: 3 }));
  const early = bench.answers.submit(ask([1, 2], 1, { deadline: 200, priority: 2 }));
  bench.answers.submit(ask([1, 2], 1, { deadline: 900, priority: 3 }));
  const { urgencies } = bench.last();
  assert.deepEqual(urgencies.at(-1), { deadline: 200, keepUntil: 900, priority: 2 });
  early.cancel(gone);
  early.result.catch(() => {});
  assert.equal(urgencies.at(-1)?.deadline, 500);
});

test('each who shares a run has its own deadline', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { now: 0 };
  const bench = cacheBench({ now: () => clock.now });
  const patient = bench.answers.submit(ask([1, 2], 1, { deadline: 500 }));
  const hasty = bench.answers.submit(ask([1, 2], 1, { deadline: 100 }));
  clock.now = 100;
  t.mock.timers.tick(100);
  await assert.rejects(hasty.result, { code: 'deadline' });
  bench.last().answer();
  assert.deepEqual(valuesOf(await patient.result), [2, 4]);
});

test('a failure that is the input’s own reaches all who share the run', async () => {
  const bench = cacheBench();
  const all = [1, 2, 3].map(() => bench.answers.submit(ask([1, 2])));
  bench.last().fail(new GatewayError('model-failed', 'bad input'));
  for (const { result } of all) await assert.rejects(result, { code: 'model-failed' });
  assert.equal(bench.runs.length, 1);
});

test('a failure that may have been the first one’s own gives the others one more run, together', async () => {
  const bench = cacheBench();
  const [first, ...others] = [1, 2, 3].map(() => bench.answers.submit(ask([1, 2])));
  bench.last().fail(new GatewayError('unavailable', 'the worker ended'));
  await assert.rejects(first?.result as Promise<unknown>, { code: 'unavailable' });
  await turn();
  assert.equal(bench.runs.length, 2);
  bench.last().answer();
  for (const { result } of others) assert.deepEqual(valuesOf(await result), [2, 4]);
});

test('rows that were found out for a caller itself go on when rows of others fail', async () => {
  const bench = cacheBench({ keeps: false });
  bench.answers.submit(ask([1, 1])).result.catch(() => {});
  const others = bench.last();
  const { result } = bench.answers.submit(ask([1, 1, 2, 2], 2));
  const own = bench.last();
  others.fail(new GatewayError('unavailable', 'the worker ended'));
  await turn();
  assert.deepEqual(
    bench.runs.map(run => run.values),
    [
      [1, 1],
      [2, 2],
      [1, 1],
    ],
  );
  assert.equal(own.cancelledWith, undefined);
  bench.last().answer();
  own.answer();
  assert.deepEqual(valuesOf(await result), [2, 2, 4, 4]);
});

test('and not a third', async () => {
  const bench = cacheBench();
  const [first, second] = [1, 2].map(() => bench.answers.submit(ask([1, 2])));
  for (let run = 0; run < 2; run++) {
    bench.last().fail(new GatewayError('unavailable', 'the worker ended'));
    await turn();
  }
  await assert.rejects(first?.result as Promise<unknown>, { code: 'unavailable' });
  await assert.rejects(second?.result as Promise<unknown>, { code: 'unavailable' });
  assert.equal(bench.runs.length, 2);
});

test('errors are never kept', async () => {
  const bench = cacheBench();
  const { result } = bench.answers.submit(ask([1, 2]));
  bench.last().fail(new GatewayError('model-failed', 'bad input'));
  await assert.rejects(result);
  bench.answers.submit(ask([1, 2]));
  assert.equal(bench.runs.length, 2);
});

test('no-cache computes anew and keeps the result; no-store does neither read nor keep', async () => {
  const bench = cacheBench();
  await warm(bench, [1, 2]);
  const anew = bench.answers.submit(ask([1, 2], 1, control({ reads: false })));
  assert.equal(bench.runs.length, 2);
  bench.last().answer();
  assert.equal((await anew.result).cache?.outcome, 'miss');
  const unseen = bench.answers.submit(ask([9, 9], 1, control({ reads: false, stores: false })));
  bench.last().answer();
  assert.equal((await unseen.result).cache?.outcome, 'bypass');
  bench.answers.submit(ask([9, 9]));
  assert.equal(bench.runs.length, 4);
});

test('only-if-cached never computes', async () => {
  const bench = cacheBench();
  await assert.rejects(bench.answers.submit(ask([1, 2], 1, control({ onlyIfCached: true }))).result, {
    code: 'not-cached',
  });
  await warm(bench, [1, 2]);
  const { cache } = await bench.answers.submit(ask([1, 2], 1, control({ onlyIfCached: true }))).result;
  assert.equal(cache?.outcome, 'hit');
  assert.equal(bench.runs.length, 1);
});

/** A monotonic clock that goes when it is told to. */
function stoppedClock(t: TestContext): { nowMs: number } {
  const clock = { nowMs: performance.now() };
  t.mock.method(performance, 'now', () => clock.nowMs);
  return clock;
}

test('a wall clock that jumps makes no result older or younger', async t => {
  const clock = stoppedClock(t);
  t.mock.timers.enable({ apis: ['Date'], now: 10_000_000 });
  const bench = cacheBench({ ttlMs: 1000 });
  await warm(bench, [1, 2]);
  t.mock.timers.setTime(20_000_000);
  const { cache } = await bench.answers.submit(ask([1, 2])).result;
  assert.deepEqual([cache?.outcome, cache?.ageMs], ['hit', 0]);
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['Date'], now: 5_000_000 });
  clock.nowMs += 1500;
  bench.answers.submit(ask([1, 2]));
  assert.equal(bench.runs.length, 2);
});

test('a result past its time answers while it is renewed, once, and then is fresh again', async t => {
  const clock = stoppedClock(t);
  const bench = cacheBench({ ttlMs: 1000, staleWhileRevalidateMs: 1000 });
  await warm(bench, [1, 2]);
  clock.nowMs += 1500;
  const bytes = ints([1, 2]);
  const stale = await bench.answers.submit(request(bytes)).result;
  assert.deepEqual([stale.cache?.outcome, stale.cache?.ageMs], ['stale', 1500]);
  bytes.data.fill(0);
  await bench.answers.submit(ask([1, 2])).result;
  assert.equal(bench.runs.length, 2);
  assert.deepEqual(bench.last().values, [1, 2]);
  assert.equal(bench.last().inference.priority, 3);
  bench.last().answer();
  await turn();
  assert.equal((await bench.answers.submit(ask([1, 2])).result).cache?.outcome, 'hit');
});

test('a result past its time stands in for a model that fails, but not for a caller’s mistake', async t => {
  const clock = stoppedClock(t);
  const bench = cacheBench({ ttlMs: 1000, staleIfErrorMs: 1000 });
  await warm(bench, [1, 2]);
  clock.nowMs += 1500;
  const stands = bench.answers.submit(ask([1, 2]));
  bench.last().fail(new GatewayError('unavailable', 'no worker'));
  assert.equal((await stands.result).cache?.outcome, 'stale');
  const mistaken = bench.answers.submit(ask([1, 2]));
  bench.last().fail(new GatewayError('invalid', 'bad'));
  await assert.rejects(mistaken.result, { code: 'invalid' });
});

test('under pressure nothing new is kept, and what is kept still answers', async () => {
  const pressure = new Pressure();
  const { answers, runs, last } = cacheBench({ pressure });
  const ask = async (tag: number) => {
    const { result } = answers.submit(request(ints([tag, 2])));
    if (runs.length > 0) last().answer();
    return (await result).cache?.outcome;
  };
  assert.equal(await ask(1), 'miss');
  pressure.taken = 2;
  assert.deepEqual([await ask(1), await ask(2), await ask(2)], ['hit', 'miss', 'miss']);
});

test('what is stale is not renewed under pressure, which keeps nothing: each hit would renew it again', async t => {
  const clock = stoppedClock(t);
  const pressure = new Pressure();
  const bench = cacheBench({ ttlMs: 1000, staleWhileRevalidateMs: 1000, pressure });
  await warm(bench, [1, 2]);
  clock.nowMs += 1500;
  pressure.taken = 2;
  assert.equal((await bench.answers.submit(ask([1, 2])).result).cache?.outcome, 'stale');
  assert.equal(bench.runs.length, 1);
  pressure.taken = 0;
  assert.equal((await bench.answers.submit(ask([1, 2])).result).cache?.outcome, 'stale');
  assert.equal(bench.runs.length, 2);
});

test('values that are not finite are not kept', async () => {
  const bench = cacheBench();
  const input = { ...ints([1, 2]), datatype: 'FP32' as const };
  const first = bench.answers.submit(request(input));
  const nan = new Uint8Array(Float32Array.of(1, Number.NaN).buffer);
  const run = bench.last();
  run.answerWith([{ name: 'x', datatype: 'FP32', shape: [1, 2], data: nan }]);
  await first.result;
  bench.answers.submit(request(input));
  assert.equal(bench.runs.length, 2);
});

test('large inputs are hashed without holding the event loop up, and are known again', async () => {
  const bench = cacheBench({ maxBytes: 100_000_000 });
  const values = new Array<number>(600_000).fill(7);
  const first = bench.answers.submit(ask(values));
  const second = bench.answers.submit(ask(values));
  while (bench.runs.length === 0) await turn();
  bench.last().answer();
  assert.equal((await first.result).cache?.outcome, 'miss');
  assert.equal((await second.result).cache?.outcome, 'coalesced');
  assert.equal((await bench.answers.submit(ask(values)).result).cache?.outcome, 'hit');
  assert.equal(bench.runs.length, 1);
});

/** A clock that goes on by 1 ms whenever it is read: looking and keeping take long. */
function slowLooks() {
  let now = 0;
  return { now: () => now++ };
}

async function answerAll(bench: ReturnType<typeof cacheBench>, requests: Iterable<Inference>): Promise<void> {
  for (const inference of requests) {
    const before = bench.runs.length;
    const { result } = bench.answers.submit(inference);
    if (bench.runs.length > before) bench.last().answer();
    await result;
  }
}

function* differing(count: number): Generator<Inference> {
  for (let i = 0; i < count; i++) yield ask([i, -1], 1, { deadline: Number.POSITIVE_INFINITY });
}

function* alike(count: number): Generator<Inference> {
  for (let i = 0; i < count; i++) yield ask([1, 2], 1, { deadline: Number.POSITIVE_INFINITY });
}

test('while looking does not pay nothing is looked at but what must not be run, until it pays again', async () => {
  const aside: Inference[] = [];
  const bench: CacheBench = cacheBench({
    ...slowLooks(),
    inferMs: 4,
    aside: inference => {
      aside.push(inference);
      return bench.compute(inference);
    },
  });
  await answerAll(bench, differing(4096));
  assert.equal(bench.answers.mode, 'aside');
  assert.equal(aside.length, 0);
  const kept = ask([4000, -1], 1, { deadline: Number.POSITIVE_INFINITY });
  await answerAll(bench, [kept]);
  assert.equal(aside.length, 1);
  const { result } = bench.answers.submit({ ...kept, ...control({ onlyIfCached: true }) });
  assert.equal((await result).cache?.outcome, 'hit');
  await answerAll(bench, alike(8192));
  assert.equal(bench.answers.mode, 'everything');
});

test('where nothing is kept, of equal requests that come at once the second is looked at even so', async () => {
  const bench = cacheBench({ ...slowLooks(), keeps: false });
  await answerAll(bench, differing(4096));
  assert.equal(bench.answers.mode, 'aside');
  const before = bench.runs.length;
  const all = [...alike(5)].map(inference => bench.answers.submit(inference).result);
  assert.equal(bench.runs.length, before + 2);
  for (const run of bench.runs.slice(before)) run.answer();
  const outcomes = (await Promise.all(all)).map(({ cache }) => cache?.outcome);
  assert.deepEqual(outcomes, [undefined, undefined, 'coalesced', 'coalesced', 'coalesced']);
});

test('a kept result answers while somebody else has it computed anew, whatever becomes of that', async () => {
  const bench = cacheBench();
  await warm(bench, [1, 2]);
  for (const stores of [true, false]) {
    const anew = bench.answers.submit(ask([1, 2], 1, control({ reads: false, stores })));
    const { cache } = await bench.answers.submit(ask([1, 2])).result;
    assert.equal(cache?.outcome, 'hit');
    bench.last().fail(new GatewayError('unavailable', 'the worker ended'));
    await assert.rejects(anew.result, { code: 'unavailable' });
  }
});

test('nobody waits for the run of one who wants nothing kept', () => {
  const bench = cacheBench();
  bench.answers.submit(ask([1, 2], 1, control({ reads: false, stores: false })));
  bench.answers.submit(ask([1, 2]));
  assert.equal(bench.runs.length, 2);
});

test('what is computed anew is not stood in for by what was kept', async () => {
  const bench = cacheBench({ staleIfErrorMs: 60_000 });
  await warm(bench, [1, 2]);
  const anew = bench.answers.submit(ask([1, 2], 1, control({ reads: false })));
  bench.last().fail(new GatewayError('deadline', 'too late'));
  await assert.rejects(anew.result, { code: 'deadline' });
});

test('the inputs of one whose run failed are still in use, though something kept stands in', async t => {
  const clock = stoppedClock(t);
  const bench = cacheBench({ ttlMs: 10, staleIfErrorMs: 60_000 });
  const kept = bench.answers.submit(ask([1, 2]));
  bench.last().answer();
  assert.notEqual((await kept.result).inputsInUse, true);
  clock.nowMs += 20;
  const { result } = bench.answers.submit(ask([1, 2]));
  bench.last().fail(new GatewayError('deadline', 'too late'));
  const { cache, inputsInUse } = await result;
  assert.deepEqual([cache?.outcome, inputsInUse], ['stale', true]);
});

test('a run that began before a purge is not kept', async () => {
  const bench = cacheBench();
  const before = bench.answers.submit(ask([1, 2]));
  bench.store.purge('m');
  bench.last().answer();
  await before.result;
  bench.answers.submit(ask([1, 2]));
  assert.equal(bench.runs.length, 2);
});

test('what only cached answers may have is refused once', async () => {
  const bench = cacheBench();
  const { result } = bench.answers.submit(ask([1, 2], 1, control({ onlyIfCached: true })));
  await assert.rejects(result, { code: 'not-cached' });
  assert.equal(bench.answers.underWay, 0);
});

test('requests of very many rows are looked at as a whole', async () => {
  const bench = cacheBench();
  const values = Array.from({ length: 400 }, (_, i) => i);
  const first = bench.answers.submit(ask(values, 200));
  bench.last().answer();
  await first.result;
  const again = await bench.answers.submit(ask(values, 200)).result;
  assert.deepEqual([again.cache?.outcome, bench.runs.length], ['hit', 1]);
  assert.deepEqual(
    valuesOf(again),
    values.map(value => 2 * value),
  );
  bench.answers.submit(ask([0, 1]));
  assert.equal(bench.runs.length, 2);
});

test('where nothing is kept, it looks at everything again when equal requests come in pairs', async () => {
  let takes = 1;
  let now = 0;
  const bench = cacheBench({ now: () => (now += takes), keeps: false });
  await answerAll(bench, differing(4096));
  assert.equal(bench.answers.mode, 'aside');
  takes = 0;
  for (let i = 0; i < 8192; i++) {
    const before = bench.runs.length;
    const pair = [0, 1].map(() => bench.answers.submit(ask([i, -2], 1, { deadline: 1e9 })).result);
    for (const run of bench.runs.slice(before)) run.answer();
    await Promise.all(pair);
  }
  assert.equal(bench.answers.mode, 'everything');
});

/** Of so many different requests, how many are looked at. */
async function lookedAt(bench: CacheBench, requests: number): Promise<number> {
  let looked = 0;
  for (const inference of differing(requests)) {
    const { result } = bench.answers.submit(inference);
    bench.last().answer();
    if ((await result).cache !== undefined) looked++;
  }
  return looked;
}

test('while it steps aside one request in 64 is looked at, and ever fewer, down to one in 4,096', async () => {
  const bench = cacheBench(slowLooks());
  await answerAll(bench, differing(4096));
  const looked: number[] = [];
  for (let window = 0; window < 2; window++) looked.push(await lookedAt(bench, 4096));
  // From here on it sees only a quarter of what comes.
  for (let window = 2; window < 8; window++) looked.push(await lookedAt(bench, 4 * 4096));
  assert.deepEqual(looked, [64, 32, 16, 8, 4, 2, 1, 1]);
});

test('what has long stepped aside sees nothing of three quarters of what comes, but for what must not be run', async () => {
  let seen = 0;
  const bench = cacheBench({ ...slowLooks(), aside: countsSeen });
  function countsSeen(inference: Inference, units: RequestUnits | undefined): SharedSubmission {
    if (units !== undefined) seen++;
    return bench.compute(inference);
  }
  await answerAll(bench, differing(3 * 4096));
  seen = 0;
  await answerAll(bench, differing(4 * 4096));
  assert.ok(Math.abs(seen - 4096) <= 16, `${seen} were seen`);
  for (let i = 0; i < 4096; i++) {
    const { result } = bench.answers.submit(ask([i, -3], 1, control({ onlyIfCached: true })));
    await assert.rejects(result, { code: 'not-cached' });
  }
});

test('a few that come in bursts do not make it look at all the others', async () => {
  const bench = cacheBench({ ...slowLooks(), keeps: false });
  await answerAll(bench, differing(4096));
  for (let burst = 0; burst < 8 * 41; burst++) {
    const before = bench.runs.length;
    const all = Array.from({ length: 10 }, () => bench.answers.submit(ask([burst, -7])).result);
    for (const run of bench.runs.slice(before)) run.answer();
    await Promise.all(all);
    await answerAll(bench, differing(990));
    assert.equal(bench.answers.mode, 'aside');
  }
});

test('what a cache that has stepped aside hands on split is joined all the same', async () => {
  const joins = cacheBench({ keeps: false });
  const bench = cacheBench({
    ...slowLooks(),
    aside: (inference, units) => joins.answers.submitUnits(inference, units as RequestUnits),
  });
  await answerAll(bench, differing(4096));
  assert.equal(bench.answers.mode, 'aside');
  const all = [...alike(5)].map(inference => bench.answers.submit(inference).result);
  assert.equal(joins.runs.length, 1);
  joins.last().answer();
  for (const result of await Promise.all(all)) assert.deepEqual(valuesOf(result), [2, 4]);
});

test('what always seems to come again and is never found is given up', async () => {
  const bench = cacheBench(slowLooks());
  const nan = [
    { name: 'x', datatype: 'FP32' as const, shape: [1, 1], data: new Uint8Array([0, 0, 192, 127]) },
  ];
  // As long as a full cache takes to fill, and one window more.
  for (const inference of alike(17 * 4096)) {
    const { result } = bench.answers.submit(inference);
    bench.last().answerWith(nan);
    await result;
  }
  assert.equal(bench.answers.mode, 'aside');
});

test('requests that are refused do not count as found', async () => {
  const bench = cacheBench(slowLooks());
  let answered = 0;
  for (const inference of differing(3 * 4096)) {
    const { result } = bench.answers.submit(inference);
    if (answered++ % 2 === 0) bench.last().fail(new GatewayError('overloaded', 'too many'));
    else bench.last().answer();
    await result.catch(() => {});
  }
  assert.equal(bench.answers.mode, 'aside');
});

test('what another gateway kept answers, and is kept here', async () => {
  const level = fakeLevel(SHARED);
  const bench = cacheBench({ secondLevel: level });
  const first = bench.answers.submit(ask([1, 2]));
  level.give();
  assert.deepEqual(valuesOf(await first.result), [2, 4]);
  assert.equal((await bench.answers.submit(ask([1, 2])).result).cache?.outcome, 'hit');
  assert.equal(bench.runs.length, 0);
});

test('what no version of this model can have answered is not taken from there', async () => {
  const level = fakeLevel(SHARED);
  const bench = cacheBench({ secondLevel: level, isAnswer: () => false });
  const { result } = bench.answers.submit(ask([1, 2]));
  level.give();
  await bench.answers.settled();
  bench.last().answer();
  assert.equal((await result).cache?.outcome, 'miss');
});

test('what it says after a purge does not count', async () => {
  const level = fakeLevel(SHARED);
  const bench = cacheBench({ secondLevel: level });
  bench.answers.submit(ask([1, 2]));
  bench.store.purge('m');
  level.give();
  await bench.answers.settled();
  assert.equal(bench.runs.length, 1);
});
