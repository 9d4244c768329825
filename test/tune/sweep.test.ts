import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Figures } from '../../src/tune/measured.ts';
import { keyOf, type Layout, layoutsFor } from '../../src/tune/setting.ts';
import { type Progress, Sweep, type SweepOptions, type Swept, worthLarger } from '../../src/tune/sweep.ts';

interface Machine {
  /** Rows a second of a setting; undefined: the run fails. */
  readonly rate: (layout: Layout, batch: number, atMs: number) => number | undefined;
  readonly loadMs?: number;
  readonly cannotLoad?: (layout: Layout) => boolean;
}

interface Seen {
  readonly swept: Swept;
  /** Layouts in the order of looks at them. */
  readonly looks: readonly string[];
  readonly progress: readonly Progress[];
  readonly mostOpen: number;
  readonly stillOpen: number;
}

/** A sweep on a machine whose clock moves only when something is loaded or measured. */
async function sweep(machine: Machine, over: Partial<SweepOptions> = {}): Promise<Seen> {
  let nowMs = 0;
  let [open, mostOpen] = [0, 0];
  const looks: string[] = [];
  const progress: Progress[] = [];
  const run = new Sweep({
    layouts: layoutsFor(2),
    batches: [1, 2, 4, 8],
    slosMs: [10],
    budgetMs: 20_000,
    keepOpen: true,
    now: () => nowMs,
    onProgress: one => progress.push(one),
    signal: new AbortController().signal,
    open: async layout => {
      nowMs += machine.loadMs ?? 100;
      if (machine.cannotLoad?.(layout) === true) throw new GatewayError('model-failed', 'no room');
      mostOpen = Math.max(mostOpen, ++open);
      return {
        measure: async (batch, { minMs }) => {
          nowMs += minMs;
          looks.push(`${keyOf(layout)} batch ${batch}`);
          const rate = machine.rate(layout, batch, nowMs);
          if (rate === undefined) throw new GatewayError('model-failed', 'out of memory');
          return { rowsPerSecond: rate, latenciesMs: [(1000 * batch) / rate] };
        },
        close: async () => {
          open--;
        },
      };
    },
    ...over,
  });
  const swept = await run.run();
  return { swept, looks, progress, mostOpen, stillOpen: open };
}

const growing = ({ instances, threads }: Layout, batch: number): number =>
  instances * (threads + 1) * batch * 10;

test('every layout is tried with every batch, the better ones again and again', async () => {
  const { swept, looks, stillOpen } = await sweep({ rate: growing });
  assert.equal(new Set(looks).size, 12);
  const windows = (key: string, batch: number) =>
    swept.figures.find(one => keyOf(one) === key && one.batch === batch)?.windows ?? 0;
  assert.ok(windows('2×1', 8) >= 6, 'the best is looked at in every round');
  assert.equal(windows('1×1', 1), 2);
  assert.deepEqual([swept.left, stillOpen], [[], 0]);
});

test('what survives is looked at in turn, and in alternating order', async () => {
  const { looks } = await sweep({ rate: growing }, { batches: [1] });
  const turns = [0, 3, 6, 9].map(at => looks.slice(at, at + 3));
  const there = ['1×1 batch 1', '2×1 batch 1', '1×2 batch 1'];
  const back = there.toReversed();
  assert.deepEqual(turns, [there, back, there, back]);
});

test('it ends with its budget, and tells how far it is', async () => {
  const { swept, progress } = await sweep({ rate: growing }, { budgetMs: 5000 });
  assert.ok(swept.tookMs <= 6000, `${swept.tookMs} ms`);
  const shares = progress.map(({ share }) => share);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  assert.ok(progress.every(({ share, leftMs }) => share >= 0 && share <= 1 && leftMs >= 0));
});

test('what the budget does not reach is named', async () => {
  const { swept } = await sweep({ rate: growing, loadMs: 3000 }, { budgetMs: 4000 });
  assert.deepEqual([...new Set(swept.figures.map(keyOf))], ['1×1']);
  assert.deepEqual(swept.left, [
    'two one-thread instances: the budget ended before it',
    'one two-thread instance: the budget ended before it',
  ]);
});

test('an operator who interrupts gets what there is', async () => {
  const ended = new AbortController();
  const rate = (layout: Layout, batch: number): number => {
    if (batch === 4) ended.abort();
    return growing(layout, batch);
  };
  const { swept, stillOpen } = await sweep({ rate }, { signal: ended.signal });
  assert.deepEqual([swept.figures.length, swept.left.length, stillOpen], [3, 2, 0]);
});

test('a layout that cannot be loaded is named, and the others go on', async () => {
  const { swept } = await sweep({ rate: growing, cannotLoad: ({ threads }) => threads === 2 });
  assert.deepEqual([...new Set(swept.figures.map(keyOf))], ['1×1', '2×1']);
  assert.deepEqual(swept.left, ['one two-thread instance: no room']);
});

test('a batch that fails ends its layout’s ascent, and what was measured stays', async () => {
  const rate = (layout: Layout, batch: number) => (batch === 8 ? undefined : growing(layout, batch));
  const { swept } = await sweep({ rate });
  assert.deepEqual(Math.max(...swept.figures.map(({ batch }) => batch)), 4);
  assert.match(swept.left[0] ?? '', /^one one-thread instance, batch 8: out of memory$/);
});

test('when nothing can be measured the reason is the error', async () => {
  await assert.rejects(sweep({ rate: () => undefined }), { code: 'model-failed', message: 'out of memory' });
});

test('a machine without room for all layouts has one loaded at a time', async () => {
  const { mostOpen, stillOpen } = await sweep({ rate: growing }, { keepOpen: false });
  assert.deepEqual([mostOpen, stillOpen], [1, 0]);
});

test('a layout whose first look fell into a noisy stretch is not lost', async () => {
  let looks = 0;
  const rate = (layout: Layout, batch: number): number =>
    growing(layout, batch) * (layout.instances === 2 && looks++ < 9 ? 0.1 : 1);
  const { swept } = await sweep({ rate });
  const best = swept.figures.toSorted((a, b) => b.rowsPerSecond - a.rowsPerSecond)[0];
  assert.deepEqual([best?.instances, best?.batch], [2, 8]);
});

test('a noisy stretch does not crown the wrong setting', async () => {
  const rate = (layout: Layout, batch: number, atMs: number): number =>
    growing(layout, batch) * (atMs > 4000 && atMs < 9000 && layout.instances === 2 ? 0.3 : 1);
  const { swept } = await sweep({ rate });
  const best = swept.figures.toSorted((a, b) => b.rowsPerSecond - a.rowsPerSecond)[0];
  assert.deepEqual([best?.instances, best?.batch], [2, 8]);
});

/** Sizes 1, 2, 4 … at these rates, each batch taking `p50Ms`. */
const seen = (p50Ms: number, ...rates: readonly number[]): Figures[] =>
  rates.map((rowsPerSecond, i) => ({
    ...{ instances: 1, threads: 1, batch: 2 ** i, rowsPerSecond },
    ...{ p50Ms, p99Ms: p50Ms, windows: 1 },
  }));
const ascents: readonly [string, Figures[], boolean][] = [
  ['nothing was seen', seen(1), true],
  ['it gains', seen(1, 10, 19, 37, 60), true],
  ['one size did not gain', seen(1, 10, 19, 18, 30), true],
  ['two in a row did not', seen(1, 10, 30, 29, 30), false],
  ['a long batch that gains', seen(300, 10, 19), true],
  ['a long batch that does not', seen(300, 10, 10), false],
  ['the longest', seen(2001, 10), false],
];
for (const [name, figures, worth] of ascents) {
  test(`a larger batch is ${worth ? '' : 'not '}tried: ${name}`, () =>
    assert.equal(worthLarger(figures), worth));
}
