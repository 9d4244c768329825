import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { constantArrivals, poissonArrivals } from '../../src/load/arrivals.ts';

const rates = fc.double({ min: 0.1, max: 50_000, noNaN: true });
const seeds = fc.integer();

const gaps = (arrivals: Float64Array) => arrivals.map((at, i) => at - (arrivals[i - 1] ?? 0));

/** Largest distance between the samples' distribution and the exponential one with this mean. */
function distanceToExponential(samples: Float64Array, mean: number): number {
  const sorted = samples.toSorted();
  const distances = sorted.map((value, i) => {
    const expected = 1 - Math.exp(-value / mean);
    return Math.max(Math.abs(expected - i / sorted.length), Math.abs(expected - (i + 1) / sorted.length));
  });
  return Math.max(...distances);
}

/** Kolmogorov's bound that one in a thousand honest samples passes. */
const bound = (count: number) => 1.95 / Math.sqrt(count);

test('Poisson arrivals have independent exponential gaps of the asked-for mean', () => {
  const count = 2000;
  fc.assert(
    fc.property(rates, seeds, (rate, seed) => {
      const found = gaps(poissonArrivals(rate, count, seed));
      assert.ok(distanceToExponential(found, 1000 / rate) < bound(count));
      const pairs = found.subarray(1).map((gap, i) => (gap * rate * ((found[i] as number) * rate)) / 1e6);
      const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
      assert.ok(Math.abs(mean - 1) < 0.25, `neighbours correlate: ${mean}`);
    }),
    { seed: 7, numRuns: 50 },
  );
});

test('a uniform draw of gaps would not pass for exponential', () => {
  const count = 2000;
  const uniformGaps = Float64Array.from({ length: count }, (_, i) => (2 * (i + 0.5)) / count);
  assert.ok(distanceToExponential(uniformGaps, 1) > bound(count));
});

test('the same seed gives the same arrivals, another seed others', () => {
  assert.deepEqual(poissonArrivals(100, 50, 3), poissonArrivals(100, 50, 3));
  assert.notDeepEqual(poissonArrivals(100, 50, 3), poissonArrivals(100, 50, 4));
});

test('arrivals ascend and are finite', () => {
  fc.assert(
    fc.property(rates, seeds, fc.boolean(), (rate, seed, isPoisson) => {
      const arrivals = isPoisson ? poissonArrivals(rate, 500, seed) : constantArrivals(rate, 500);
      assert.ok(arrivals.every((at, i) => Number.isFinite(at) && at >= (arrivals[i - 1] ?? 0)));
    }),
  );
});

test('constant arrivals come one gap after the other', () => {
  assert.deepEqual([...constantArrivals(200, 4)], [5, 10, 15, 20]);
});

test('a rate that is none is refused', () => {
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => poissonArrivals(rate, 1, 1), RangeError);
    assert.throws(() => constantArrivals(rate, 1), RangeError);
  }
});
