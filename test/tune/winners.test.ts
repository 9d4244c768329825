import assert from 'node:assert/strict';
import test from 'node:test';
import { type Figures, figuresOf } from '../../src/tune/measured.ts';
import { outcomeOf } from '../../src/tune/outcome.ts';
import { latencyReason, reasonsFor } from '../../src/tune/reasons.ts';
import { batchesFor, layoutName, layoutsFor } from '../../src/tune/setting.ts';
import { paretoFront, survivors, winner } from '../../src/tune/winners.ts';

const figure = (
  [instances, threads, batch]: readonly [number, number, number],
  rowsPerSecond: number,
  p99Ms: number,
): Figures => ({ instances, threads, batch, rowsPerSecond, p50Ms: p99Ms, p99Ms, windows: 3 });

const single = [figure([1, 1, 1], 100, 10), figure([1, 1, 4], 110, 36), figure([1, 1, 8], 90, 90)];
const double = [figure([2, 1, 1], 190, 11), figure([2, 1, 4], 215, 38), figure([2, 1, 8], 170, 95)];
const threaded = [figure([1, 2, 1], 105, 6), figure([1, 2, 4], 112, 20), figure([1, 2, 8], 100, 50)];
const cnn = [...single, ...double, ...threaded];
const named = ({ instances, threads, batch }: Figures) => [instances, threads, batch];

test('the setting that carries most wins, within a latency the one that carries most of those that hold it', () => {
  const wins = [undefined, 100, 20, 10.5, 7].map(sloMs => winner(cnn, sloMs));
  assert.deepEqual(
    wins.map(one => one && named(one)),
    [
      [2, 1, 4],
      [2, 1, 4],
      [2, 1, 1],
      [1, 2, 1],
      [1, 2, 1],
    ],
  );
  assert.equal(winner(cnn, 5), undefined);
  assert.equal(winner([]), undefined);
});

test('of settings that carry as much the quickest wins', () => {
  const near = [figure([1, 1, 64], 1000, 80), figure([1, 1, 16], 985, 22), figure([1, 1, 8], 900, 10)];
  assert.deepEqual(winner(near)?.batch, 16);
});

test('those that carry most survive, and the best two within each latency', () => {
  assert.deepEqual(survivors(cnn, [7], 2).map(named), [
    [2, 1, 4],
    [2, 1, 1],
    [1, 2, 1],
  ]);
});

test('the front holds what nothing beats in both', () => {
  assert.deepEqual(paretoFront(cnn).map(named), [
    [1, 2, 1],
    [2, 1, 1],
    [2, 1, 4],
  ]);
});

test('the winner’s reasons are told with their numbers', () => {
  assert.deepEqual(reasonsFor(double[1] as Figures, cnn), [
    'two one-thread instances beat one two-thread instance 1.92×: this model does not scale over threads',
    '2 instances carry 1.95× as much as one',
    'batches of 4 carry 1.13× as much as single rows',
    'batches beyond 4 cost more per row than they save: 8 carry 21 % less',
  ]);
});

test('threads that help a little are told by how much', () => {
  const some = threaded.map(one => ({ ...one, rowsPerSecond: 1.3 * one.rowsPerSecond }));
  assert.equal(
    reasonsFor(double[1] as Figures, [...single, ...double, ...some])[0],
    'two one-thread instances beat one two-thread instance 1.48×: 2 threads make a run only 1.32× as fast',
  );
});

test('a model that scales over threads, and whose larger batches gain nothing, is told so', () => {
  const wide = [
    figure([1, 2, 1], 200, 5),
    figure([1, 2, 2], 201, 10),
    figure([2, 1, 1], 150, 12),
    figure([1, 1, 1], 100, 10),
  ];
  assert.deepEqual(reasonsFor(wide[0] as Figures, wide), [
    'one two-thread instance beats two one-thread instances 1.33×: its threads share the work better than its instances',
    'batches only take longer: 2 take 10 ms',
  ]);
});

test('an outcome has a winner for throughput and one for each latency, or says that none holds it', () => {
  const model = { model: 'cnn', version: '1', cores: 2, notBatched: '', slosMs: [5, 20, 50] };
  const { winners } = outcomeOf(model, { figures: cnn, left: [], tookMs: 1 });
  assert.deepEqual(
    winners.map(({ sloMs, best, why }) => [sloMs, best && named(best), why.at(-1)]),
    [
      [undefined, [2, 1, 4], 'batches beyond 4 cost more per row than they save: 8 carry 21 % less'],
      [5, undefined, 'none holds it: the quickest takes 6.0 ms'],
      [20, [2, 1, 1], 'batches of 4 carry 1.13× as much, but take 38 ms'],
      [50, [2, 1, 4], undefined],
    ],
  );
});

test('what carries more but takes too long is named by what is different about it', () => {
  const most = figure([2, 1, 1], 121, 15);
  const bests: readonly (readonly [number, number, number])[] = [
    [2, 1, 1],
    [1, 1, 1],
    [2, 1, 4],
    [1, 1, 4],
  ];
  assert.deepEqual(
    bests.map(best => latencyReason(figure(best, 100, 5), most)),
    [
      '',
      'two one-thread instances carry 1.21× as much, but take 15 ms',
      'single rows carry 1.21× as much, but take 15 ms',
      'single rows on two one-thread instances carry 1.21× as much, but take 15 ms',
    ],
  );
  assert.equal(
    latencyReason(figure([2, 1, 1], 100, 5), figure([1, 2, 1], 121, 15)),
    'one two-thread instance carries 1.21× as much, but takes 15 ms',
  );
});

test('figures are the upper quartile of rates, and medians of latencies: one noisy window changes neither', () => {
  const setting = { instances: 1, threads: 1, batch: 1 };
  const quiet = { rowsPerSecond: 100, latenciesMs: [1, 2, 3] };
  const noisy = { rowsPerSecond: 20, latenciesMs: [10, 20, 30] };
  const { rowsPerSecond, p50Ms, p99Ms } = figuresOf(setting, [quiet, noisy, quiet]);
  assert.deepEqual([rowsPerSecond, p50Ms, p99Ms], [100, 2, 3]);
});

const machines: readonly [number, string[]][] = [
  [1, ['1×1']],
  [2, ['1×1', '2×1', '1×2']],
  [4, ['1×1', '4×1', '2×2', '1×4', '2×1', '1×2']],
  [6, ['1×1', '6×1', '3×2', '1×4', '1×6', '3×1', '1×2']],
  [16, ['1×1', '16×1', '8×2', '4×4', '2×8', '1×16', '8×1', '4×2', '2×4', '1×8']],
];
for (const [cores, layouts] of machines) {
  test(`layouts for ${cores} cores`, () => {
    const tried = layoutsFor(cores).map(({ instances, threads }) => `${instances}×${threads}`);
    assert.deepEqual(new Set(tried), new Set(layouts));
    assert.equal(tried[0], '1×1');
  });
}

test('batches are doubled as far as one can be sent, or those that are allowed', () => {
  assert.deepEqual(batchesFor([], 4), [1, 2, 4, 8, 16, 32, 64, 128, 256]);
  assert.deepEqual(batchesFor([], 2 ** 24), [1, 2, 4]);
  assert.deepEqual(batchesFor([], 2 ** 28), [1]);
  assert.deepEqual(batchesFor([3, 9], 4), [3, 9]);
});

test('layouts have names', () => {
  const names = layoutsFor(16).slice(1, 3).map(layoutName);
  assert.deepEqual(names, ['16 one-thread instances', 'eight two-thread instances']);
});
