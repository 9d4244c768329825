import assert from 'node:assert/strict';
import test from 'node:test';
import { type AutoMoment, closeAuto, dividedShare, limitRows } from '../../src/batch/auto-closing.ts';
import { economyOf } from '../../src/batch/batch-economy.ts';
import type { LatencyPoint } from '../../src/batch/latency-points.ts';
import { hopelessForMs, type Outlook, possibleRowsPerMs, predictedMs } from '../../src/batch/prediction.ts';
import { sendAheadPays } from '../../src/batch/send-ahead.ts';
import { UrgentArrivals } from '../../src/batch/urgent-arrivals.ts';

const points = (table: Readonly<Record<number, number>>): LatencyPoint[] =>
  Object.entries(table).map(([rows, runMs]) => ({
    rows: Number(rows),
    runs: 9,
    runMs,
    upperMs: runMs,
    overheadMs: 0,
    leastOverheadMs: 0,
  }));

/** ms by rows, as measured on real models, and on a GPU that takes 32 rows like one. */
const WIDE_MLP = points({ 1: 3.7, 2: 3.9, 4: 4.2, 8: 5, 16: 7, 32: 11, 64: 21, 128: 42 });
const RECOGNISER = points({ 1: 10.3, 2: 21, 4: 44, 8: 100 });
const TEXT_DIRECTION = points({ 1: 0.49, 2: 0.93, 4: 1.82, 8: 3.6, 16: 7.1 });
/** Half a millisecond there and back. */
const WITH_WAY = TEXT_DIRECTION.map(one => ({ ...one, overheadMs: 0.5, leastOverheadMs: 0.5 }));
const GPU = points({ 1: 8.4, 8: 8.4, 32: 8.5 });

function moment(known: readonly LatencyPoint[], rest: Partial<AutoMoment>): AutoMoment {
  const maxRows = known.at(-1)?.rows ?? 8;
  return {
    now: 1000,
    rows: 1,
    total: 2,
    free: 1,
    arrivalsPerMs: 0.001,
    sentAt: 0,
    leftMs: Number.POSITIVE_INFINITY,
    points: known,
    economy: economyOf(known, maxRows, []),
    maxRows,
    explores: false,
    ...rest,
  };
}

const send = (rows: number) => ({ kind: 'send', rows }) as const;
const closings: readonly [string, AutoMoment, ReturnType<typeof closeAuto>][] = [
  ['one row goes at once', moment(WIDE_MLP, { rows: 1 }), send(1)],
  ['rows that cost little together go together', moment(WIDE_MLP, { rows: 20 }), send(20)],
  ['a batch that gains nothing is not made', moment(RECOGNISER, { rows: 8 }), send(1)],
  ['nor under any load', moment(RECOGNISER, { rows: 8, arrivalsPerMs: 9 }), send(1)],
  ['what gains a little goes alone while few arrive', moment(TEXT_DIRECTION, { rows: 8 }), send(1)],
  ['and together when many do', moment(WITH_WAY, { rows: 40, arrivalsPerMs: 5 }), send(16)],
  [
    'a size that pays is no reason for half of it',
    moment(points({ 1: 10, 2: 22, 4: 45, 8: 70 }), { rows: 4, arrivalsPerMs: 9 }),
    send(1),
  ],
  [
    'and is taken once enough wait',
    moment(points({ 1: 10, 2: 22, 4: 45, 8: 70 }), { rows: 8, arrivalsPerMs: 9 }),
    send(8),
  ],
  ['a few rows over the limit go along', moment(WIDE_MLP, { rows: 38 }), send(38)],
  ['more than that do not', moment(WIDE_MLP, { rows: 50 }), send(32)],
  ['now and then a larger batch is tried', moment(RECOGNISER, { rows: 8, explores: true }), send(2)],
  ['never more than the largest batch', moment(GPU, { rows: 45 }), send(32)],
  ['without anything known all go', moment([], { rows: 5, maxRows: 8 }), send(5)],
  ['free workers share what waits', moment(WIDE_MLP, { rows: 32, free: 2 }), send(16)],
  [
    'but not when those who arrive meanwhile would pay for it',
    moment(WIDE_MLP, { rows: 8, free: 2, arrivalsPerMs: 4 }),
    send(8),
  ],
  [
    'where rows are free a batch starts half-way between two of another worker',
    moment(GPU, { rows: 3, sentAt: 999 }),
    { kind: 'wait', until: 999 + 8.4 / 2 },
  ],
  [
    'but not past the moment at which the first of them would be late',
    moment(GPU, { rows: 3, sentAt: 999, leftMs: 10 }),
    { kind: 'wait', until: 1001.6 },
  ],
  [
    'a batch is as large as answers its first row in time',
    moment(WIDE_MLP, { rows: 32, leftMs: 7 }),
    send(16),
  ],
  ['and as large as ever where that is too late anyway', moment(WIDE_MLP, { rows: 32, leftMs: 3 }), send(32)],
  ['and not later', moment(GPU, { rows: 3, sentAt: 995 }), send(3)],
  ['with all workers free nothing waits', moment(GPU, { rows: 3, sentAt: 999, free: 2 }), send(3)],
  ['nor when it is full', moment(GPU, { rows: 32, sentAt: 999 }), send(32)],
  ['nor where another row costs time', moment(RECOGNISER, { rows: 1, sentAt: 999 }), send(1)],
];
for (const [name, at, expected] of closings) {
  test(`auto: ${name}`, () => {
    const closing = closeAuto(at);
    assert.equal(closing.kind, expected.kind);
    if (closing.kind === 'send' && expected.kind === 'send') assert.equal(closing.rows, expected.rows);
    if (closing.kind === 'wait' && expected.kind === 'wait')
      assert.ok(Math.abs(closing.until - expected.until) < 0.1, `${closing.until}`);
  });
}

test('auto: the more arrives the larger the batches, up to the best', () => {
  const limits = [0.1, 3.6, 3.8, 9].map(arrivalsPerMs =>
    limitRows(moment(WITH_WAY, { rows: 40, arrivalsPerMs })),
  );
  assert.deepEqual(
    limits,
    [...limits].sort((a, b) => a - b),
  );
  assert.equal(limits[0], 3);
  assert.equal(limits.at(-1), 16);
});

test('auto: what waits is divided into no more parts than there are rows or free workers', () => {
  for (const [rows, free] of [
    [1, 4],
    [2, 4],
    [7, 3],
    [16, 2],
  ] as const) {
    const share = dividedShare(moment(WIDE_MLP, { rows, free, total: 4 }));
    assert.ok(share >= Math.ceil(rows / free) && share <= rows, `${rows} over ${free}: ${share}`);
  }
});

const outlook = ({ total = 1, ...rest }: Partial<Outlook> & { readonly total?: number }): Outlook => {
  const { points, economy } = { points: RECOGNISER, economy: economyOf(RECOGNISER, 8, []), ...rest };
  return {
    ...{ waitingRows: 0, rows: 1, free: 0, soonestMs: 0, overtakingPerMs: 0, points, economy },
    allPerMs: possibleRowsPerMs(points, economy.kneeRows, total),
    ...rest,
  };
};
const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 0.01 * b + 0.01, `${a}, not ${b}`);

test('a request is predicted its own run, what is in front of it, and the rest of what runs', () => {
  near(predictedMs(outlook({ free: 1 })), 10.3);
  near(predictedMs(outlook({ soonestMs: 4 })), 14.3);
  near(predictedMs(outlook({ waitingRows: 5, soonestMs: 4 })), 4 + 5 * 10.3 + 10.3);
  near(predictedMs(outlook({ waitingRows: 6, total: 2 })), 3 * 10.3 + 10.3);
  near(predictedMs(outlook({ waitingRows: 10, allPerMs: 0.05 })), 200 + 10.3);
  const wide = { points: WIDE_MLP, economy: economyOf(WIDE_MLP, 128, []) };
  near(predictedMs(outlook({ ...wide, waitingRows: 7 })), 5);
  assert.equal(predictedMs(outlook({ points: [] })), 0, 'nothing is known: nothing is predicted');
});

test('what comes before a request meanwhile takes its share of the workers, but never all of it', () => {
  const waiting = { waitingRows: 10, allPerMs: 0.1 };
  near(predictedMs(outlook(waiting)), 100 + 10.3);
  near(predictedMs(outlook({ ...waiting, overtakingPerMs: 0.05 })), 200 + 10.3);
  near(predictedMs(outlook({ ...waiting, overtakingPerMs: 5 })), 10_000 + 10.3);
});

test('each level is overtaken by those above it', () => {
  const urgent = new UrgentArrivals(3, 0);
  for (let ms = 1; ms <= 5000; ms++) {
    urgent.add(1, 1, ms);
    urgent.add(2, 2, ms);
    urgent.add(9, 3, ms);
  }
  near(urgent.overtakingPerMs(1, 5000), 0);
  near(urgent.overtakingPerMs(2, 5000), 1);
  near(urgent.overtakingPerMs(3, 5000), 3);
});

test('who could not be answered in time is told when to come again', () => {
  assert.equal(hopelessForMs(100, 101), undefined);
  assert.equal(hopelessForMs(100, 59.5), 41);
});

test('a batch is sent ahead when it cannot grow any more, or hardly will beside a long run', () => {
  const running = (runMs: number, overheadMs: number): LatencyPoint => ({
    rows: 8,
    runs: 9,
    runMs,
    upperMs: runMs,
    overheadMs,
    leastOverheadMs: overheadMs,
  });
  assert.equal(sendAheadPays(3, 8, running(10, 0.4)), true);
  assert.equal(sendAheadPays(3, 8, running(0.2, 0.4)), false);
  assert.equal(sendAheadPays(8, 8, running(0.2, 0.4)), true);
});
