import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { gaussian, shuffled } from '../support/random.ts';
import { blocksOf, type Point, theilSen, verdictOf } from './slope.ts';

const whole = fc.integer({ min: -1000, max: 1000 });
const series = fc
  .uniqueArray(whole, { minLength: 3, maxLength: 40 })
  .chain(xs => fc.tuple(...xs.map(x => whole.map((y): Point => ({ x, y })))));

const near = (one: number, other: number) => Math.abs(one - other) <= 1e-6 * Math.max(1, Math.abs(one));

test('of points on a line it is the slope of the line, without doubt', () => {
  fc.assert(
    fc.property(series, whole, whole, (points, a, b) => {
      const { slope, low, high } = theilSen(points.map(({ x }) => ({ x, y: a * x + b })));
      assert.deepEqual([slope, low, high], [a, a, a]);
    }),
  );
});

test('it lies within its interval, does not depend on the order, and follows what is added and multiplied', () => {
  fc.assert(
    fc.property(series, whole, whole, fc.integer({ min: 1, max: 50 }), (points, a, b, times) => {
      const { slope, low, high } = theilSen(points);
      assert.ok(low <= slope && slope <= high);
      assert.deepEqual(theilSen(shuffled(points, 1)), { slope, low, high });
      const moved = theilSen(points.map(({ x, y }) => ({ x, y: times * y + a * x + b })));
      for (const part of ['slope', 'low', 'high'] as const) {
        const before = { slope, low, high }[part];
        assert.ok(near(moved[part], times * before + a), `${moved[part]} ${times * before + a}`);
      }
    }),
  );
});

test('a quarter of the points may be anything', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 6, maxLength: 6 }), wild => {
      const points = Array.from({ length: 26 }, (_, x) => ({ x, y: 3 * x }));
      const bent = points.map((point, i) => (i % 4 === 1 ? { ...point, y: wild[i >> 2] ?? 0 } : point));
      assert.equal(theilSen(bent).slope, 3);
    }),
  );
});

test('of 400 noisy series the interval holds the true slope in about 95 of 100', () => {
  const noise = gaussian(5);
  let held = 0;
  for (let i = 0; i < 400; i++) {
    const { low, high } = theilSen(Array.from({ length: 24 }, (_, x) => ({ x, y: 0.1 * x + noise() })));
    if (low <= 0.1 && 0.1 <= high) held++;
  }
  assert.ok(held >= 370 && held < 400, String(held));
});

test('nothing grows or is flat of which there is no pair', () => {
  assert.ok(Number.isNaN(theilSen([{ x: 1, y: 1 }]).slope));
  assert.equal(verdictOf(theilSen([]), 0), 'grows');
});

test('blocks are the medians of equal stretches', () => {
  const points = [5, 1, 3, 10, 30, 20, 7].map((y, x) => ({ x, y }));
  assert.deepEqual(
    blocksOf(points, 2).map(({ y }) => y),
    [3, 10],
  );
  const gap = [0, 1, 9, 10].map(x => ({ x, y: x }));
  assert.equal(blocksOf(gap, 5).length, 2);
});

test('a slope is flat, grows, or is unclear', () => {
  const cases = [
    [{ slope: 0, low: -1, high: 1 }, 'flat'],
    [{ slope: 1, low: 0, high: 2 }, 'unclear'],
    [{ slope: 3, low: 1, high: 9 }, 'unclear'],
    [{ slope: 3, low: 1.1, high: 9 }, 'grows'],
  ] as const;
  for (const [slope, verdict] of cases) assert.equal(verdictOf(slope, 1), verdict);
});
