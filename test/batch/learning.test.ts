import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { economyOf } from '../../src/batch/batch-economy.ts';
import { type LatencyPoint, pointAt, rescaled } from '../../src/batch/latency-points.ts';
import { LatencySamples } from '../../src/batch/latency-samples.ts';
import { LatencyTable } from '../../src/batch/latency-table.ts';
import { LearnedLatencies } from '../../src/batch/learned-latencies.ts';
import { uniform } from '../support/random.ts';

const point = (rows: number, runMs: number, overheadMs = 0): LatencyPoint => ({
  rows,
  runs: 0,
  runMs,
  upperMs: runMs * 1.2,
  overheadMs,
  leastOverheadMs: overheadMs,
});
const points = (table: Readonly<Record<number, number>>, overheadMs = 0): LatencyPoint[] =>
  Object.entries(table).map(([rows, ms]) => point(Number(rows), ms, overheadMs));

/** ms by rows, one thread, as measured on real models. */
const WIDE_MLP = { 1: 3.7, 2: 3.9, 4: 4.2, 8: 5, 16: 7, 32: 11, 64: 21, 128: 42, 256: 84 };
const RECOGNISER = { 1: 10.3, 2: 21, 4: 44, 8: 100 };
const TEXT_DIRECTION = { 1: 0.49, 2: 0.96, 4: 1.9, 8: 3.6, 16: 7.1 };
const GPU = { 1: 8.4, 8: 8.4, 32: 8.5 };

test('samples know the median and the quantiles of the newest fifty', () => {
  const samples = new LatencySamples();
  assert.ok(Number.isNaN(samples.typicalMs));
  for (let ms = 1000; ms < 1100; ms++) samples.add(ms);
  for (let ms = 1; ms <= 50; ms++) samples.add(ms);
  assert.equal(samples.count, 50);
  assert.ok(Math.abs(samples.typicalMs - 26) <= 8, `${samples.typicalMs}`);
  for (let more = 0; more < 8; more++) samples.add(25);
  assert.ok(samples.upperMs <= 50 && samples.upperMs >= 46, `${samples.upperMs}`);
  assert.ok(samples.lowerMs < samples.typicalMs);
});

test('between known sizes a latency lies on the line, beyond them on the line of the outer two', () => {
  const known = points({ 1: 2, 5: 10, 9: 12 });
  for (const [rows, ms] of [
    [1, 2],
    [3, 6],
    [5, 10],
    [7, 11],
    [9, 12],
    [13, 14],
  ] as const)
    assert.equal(pointAt(known, rows)?.runMs, ms);
  assert.equal(pointAt([], 3), undefined);
  assert.equal(pointAt(points({ 4: 8 }), 2)?.runMs, 4, 'of one size alone, in proportion');
  assert.equal(pointAt(points({ 1: 8, 2: 4 }), 100)?.runMs, 4, 'noise never makes a batch free');
});

test('what has not run since the load is scaled by what others take beyond their time then', () => {
  const measured = points({ 1: 1, 8: 2, 64: 10 });
  const live = [{ ...point(8, 4), runs: 5 }];
  assert.deepEqual(
    rescaled(measured, live, 4).map(({ rows, runMs }) => [rows, runMs]),
    [
      [1, 2],
      [8, 4],
      [64, 20],
    ],
  );
});

const economies: readonly [
  string,
  LatencyPoint[],
  maxRows: number,
  together: number,
  knee: number,
  best: number,
][] = [
  ['weights dominate: many go together, and more gain nothing', points(WIDE_MLP), 256, 32, 48, 64],
  [
    'arithmetic dominates: rows gain a little in a batch, and wait for it',
    points(TEXT_DIRECTION),
    16,
    1,
    8,
    12,
  ],
  ['batches cost more than they save: one row', points(RECOGNISER), 8, 1, 1, 1],
  ['a GPU that does not notice: the largest', points(GPU), 32, 32, 32, 32],
  ['the way there and back is part of the cost', points({ 1: 0.1, 2: 0.2, 4: 0.4, 8: 0.8 }, 1), 8, 8, 8, 8],
  [
    'the largest known is the cheapest: twice as large is tried',
    points({ 1: 4, 2: 4.2, 4: 4.6 }),
    64,
    4,
    6,
    6,
  ],
  ['nothing known: anything is tried', [], 64, 64, 64, 64],
  ['one size known: anything is tried', points({ 1: 5 }), 64, 64, 64, 64],
];
for (const [name, known, maxRows, togetherRows, kneeRows, bestRows] of economies) {
  test(`which sizes pay: ${name}`, () => {
    const economy = economyOf(known, maxRows, []);
    assert.deepEqual(
      { together: economy.togetherRows, knee: economy.kneeRows, best: economy.bestRows },
      { together: togetherRows, knee: kneeRows, best: bestRows },
    );
  });
}

test('only sizes that may be run are weighed', () => {
  const { sizes, kneeRows } = economyOf(points(WIDE_MLP), 128, [16, 128]);
  assert.deepEqual([sizes.map(({ rows }) => rows), kneeRows], [[16, 128], 128]);
});

test('a table follows what runs take now, and forgets', () => {
  const measured = [1, 2, 4, 8].map(rows => ({ kind: 'cpu', rows, inferMs: rows, roundTripMs: rows + 0.5 }));
  const table = new LatencyTable(measured);
  assert.equal(table.at(4)?.runMs, 4);
  assert.equal(table.at(4)?.overheadMs, 0.5);
  for (let run = 0; run < 60; run++) table.learn({ rows: 4, inferMs: 8, overheadMs: 1 });
  assert.equal(table.at(4)?.runMs, 8);
  assert.equal(table.at(4)?.overheadMs, 1);
  assert.equal(table.at(8)?.runMs, 16, 'and takes the others along');
  for (let run = 0; run < 60; run++) table.learn({ rows: 4, inferMs: 4, overheadMs: undefined });
  assert.ok(Math.abs((table.at(4)?.runMs ?? 0) - 4) < 0.1, `${table.at(4)?.runMs}`);
  assert.equal(table.at(4)?.overheadMs, 1, 'a batch that waited behind another says nothing of the way');
});

test('sizes that ran while the machine was slow are compared with those that ran while it was not', () => {
  const times = [
    [1, 10],
    [2, 20],
    [4, 40],
  ] as const;
  const table = new LatencyTable(
    times.map(([rows, inferMs]) => ({ kind: 'cpu', rows, inferMs, roundTripMs: inferMs })),
  );
  const learn = (rows: number, inferMs: number, runs: number) => {
    for (let run = 0; run < runs; run++) table.learn({ rows, inferMs, overheadMs: 0 });
  };
  for (const [rows, ms] of times) learn(rows, ms, 20);
  // Twice as slow, and now only single rows run; two rows once more at the end.
  learn(1, 20, 50);
  learn(2, 40, 1);
  const perRow = times.map(([rows]) => (table.at(rows)?.runMs ?? 0) / rows);
  for (const ms of perRow) assert.ok(Math.abs(ms - 20) < 3, `${perRow}`);
});

test('a size that does not run keeps its time, however noisy the one that does', () => {
  const noises: Readonly<Record<string, (random: number) => number>> = {
    'one in twenty three times as long': random => (random < 0.05 ? 3 : 1),
    'one in ten four times as long': random => (random < 0.1 ? 4 : 1),
    'a tenth either way': random => 0.9 + 0.2 * random,
  };
  for (const [name, noise] of Object.entries(noises)) {
    const random = uniform(3);
    const table = new LatencyTable([]);
    const learn = (rows: number, inferMs: number) => table.learn({ rows, inferMs, overheadMs: 0 });
    for (let run = 0; run < 40; run++) for (const rows of [1, 4, 8]) learn(rows, 1 + rows / 5);
    for (let run = 0; run < 20_000; run++) learn(1, 1.2 * noise(random()));
    const ms = table.at(8)?.runMs ?? 0;
    assert.ok(ms > 2.6 * 0.75 && ms < 2.6 * 1.25, `${name}: ${ms}`);
  }
});

test('an engine that says it took no time leaves a table that can be weighed', () => {
  const table = new LatencyTable([{ kind: 'cpu', rows: 1, inferMs: 0, roundTripMs: 0 }]);
  for (let run = 0; run < 1000; run++)
    table.learn({ rows: 1 + (run % 3), inferMs: run % 7 === 0 ? 1 : 0, overheadMs: 0 });
  const { togetherRows, bestRows } = economyOf(table.points, 8, []);
  assert.ok(togetherRows >= 1 && bestRows >= 1);
});

test('two groups of instances of one kind know each size once', () => {
  const sizes = [1, 2, 4].map(rows => ({ kind: 'cuda', rows, inferMs: rows, roundTripMs: rows + 1 }));
  const slower = sizes.map(size => ({ ...size, inferMs: size.inferMs * 2 }));
  const learned = new LearnedLatencies({ measured: [...slower, ...sizes], maxRows: 4, sizes: [] });
  assert.deepEqual(
    learned.of('', 'cuda', 0).points.map(({ rows, runMs }) => [rows, runMs]),
    [
      [1, 1],
      [2, 2],
      [4, 4],
    ],
  );
});

test('a size is believed the more the more often it ran', () => {
  const measured = points({ 1: 10, 2: 20, 4: 40 });
  const live = [
    { ...point(1, 10), runs: 50 },
    { ...point(4, 20), runs: 3 },
  ];
  const four = (runs: number) =>
    rescaled(
      measured,
      live.map(one => (one.rows === 4 ? { ...one, runs } : one)),
      4,
    ).at(-1)?.runMs ?? 0;
  assert.ok(four(3) > 30, 'three runs may have been luck');
  assert.ok(four(50) < 22, 'fifty are not');
});

test('what has not run is scaled as most runs say, not as a size says that hardly ran', () => {
  const measured = points({ 1: 10, 2: 20, 8: 80 });
  const live = [
    { ...point(1, 20), runs: 50 },
    { ...point(2, 200), runs: 3 },
  ];
  assert.equal(rescaled(measured, live, 4).at(-1)?.runMs, 160);
});

test('larger batches do not seem cheaper for what waits on a busy machine’s way', () => {
  const sizes = Object.entries({ 1: 0.4, 2: 0.45, 4: 0.5, 8: 0.7, 16: 1.2, 32: 2, 64: 3.9, 128: 8.2 });
  const measured = sizes.map(([rows, ms]) => ({
    kind: 'cpu',
    rows: Number(rows),
    inferMs: ms,
    roundTripMs: ms + 0.3,
  }));
  const table = new LatencyTable(measured);
  const weighed = () => {
    const { togetherRows, kneeRows, bestRows } = economyOf(table.points, 128, []);
    return [togetherRows, kneeRows, bestRows];
  };
  assert.deepEqual(weighed(), [32, 64, 64]);
  for (const [rows, inferMs] of sizes) {
    for (let run = 0; run < 50; run++) table.learn({ rows: Number(rows), inferMs, overheadMs: 5 });
  }
  assert.equal(table.at(64)?.overheadMs, 5, 'it is known, for predictions');
  assert.deepEqual(weighed(), [32, 64, 64]);
});

test('what was measured with rows of another shape is a hint: batches grow only as far as runs confirm it', () => {
  const rowShapes = [[3, 48, 32]];
  const measured = [1, 2, 4, 8, 16].map(rows => ({
    kind: 'cpu',
    rows,
    rowShapes,
    inferMs: 10 + rows,
    roundTripMs: 10 + rows,
  }));
  const learned = new LearnedLatencies({ measured, maxRows: 16, sizes: [] });
  const largest = (signature: string) => learned.of(signature, 'cpu', 0).points.at(-1)?.rows;
  const run = (rows: number, inferMs: number) => {
    for (let i = 0; i < 3; i++) learned.use(',3,48,320;', 'cpu', 0).learn({ rows, inferMs, overheadMs: 0 });
  };
  assert.equal(largest(',3,48,32;'), 16, 'of the measured shape all sizes are known');
  assert.equal(largest(''), 16, 'as of the only shape there is');
  assert.equal(largest(',3,48,320;'), 2);
  run(2, 24);
  assert.equal(largest(',3,48,320;'), 4);
  run(1, 11);
  run(4, 70);
  assert.ok((learned.of(',3,48,320;', 'cpu', 0).expect(4)?.runMs ?? 0) > 55, 'and what ran is believed soon');
});

test('one lucky measurement of a large batch does not lead there', () => {
  const lucky = points({ 1: 51, 2: 122, 3: 206, 4: 220, 6: 324, 8: 486 });
  assert.equal(economyOf(lucky, 8, []).togetherRows, 1);
});

test('whatever runs, a table gives finite, positive latencies for every size', () => {
  const lesson = fc.record({
    rows: fc.integer({ min: 1, max: 5000 }),
    inferMs: fc.double({ min: 0.001, max: 5000, noNaN: true }),
    overheadMs: fc.option(fc.double({ min: -1, max: 100, noNaN: true }), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      fc.array(lesson, { minLength: 3, maxLength: 200 }),
      fc.integer({ min: 1, max: 9000 }),
      (lessons, rows) => {
        const table = new LatencyTable([{ kind: 'cpu', rows: 1, inferMs: 1, roundTripMs: 1.5 }]);
        for (const one of lessons) table.learn(one);
        const found = table.at(rows);
        assert.ok(found !== undefined && found.runMs > 0 && found.overheadMs >= 0);
        assert.ok(Number.isFinite(found.runMs + found.upperMs + found.overheadMs));
        const { kneeRows, bestRows } = economyOf(table.points, 64, []);
        assert.ok(kneeRows >= 1 && kneeRows <= bestRows && bestRows <= 64);
      },
    ),
  );
});

test('signatures and kinds of instance are learned apart, and only so many are kept', () => {
  const measured = [{ kind: 'cpu', rows: 1, inferMs: 5, roundTripMs: 6 }];
  const learned = new LearnedLatencies({ measured, maxRows: 8, sizes: [] });
  assert.equal(learned.of('a', 'cpu', 0).expect(1)?.runMs, 5);
  assert.equal(
    learned.of('a', 'cuda', 0).expect(1),
    undefined,
    'what was measured on one kind says nothing of another',
  );
  for (let run = 0; run < 3; run++) learned.use('a', 'cpu', 0).learn({ rows: 1, inferMs: 9, overheadMs: 1 });
  assert.equal(learned.of('a', 'cpu', 0).expect(1)?.runMs, 9);
  assert.equal(learned.of('b', 'cpu', 0).expect(1)?.runMs, 5);
  for (let i = 0; i < 1000; i++) {
    learned.use(`other ${i}`, 'cpu', 0);
    learned.use('a', 'cpu', 0);
  }
  assert.ok([...learned].length <= 256);
  assert.equal(learned.of('a', 'cpu', 0).expect(1)?.runMs, 9, 'what is used is kept');
});
