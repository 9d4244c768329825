import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { judge } from '../../bench/scoreboard/figure.ts';
import { bootstrapInterval, median } from '../../bench/support/median.ts';
import { bestBatch, type RawTiming, shortOfReference } from '../../bench/support/raw-ort.ts';
import { figure } from './figures.ts';

const least = { target: { bound: 'least', value: 1 } } as const;
const most = { target: { bound: 'most', value: 1 } } as const;

for (const [name, value, more, verdict] of [
  ['a least value that is reached', 1, least, 'kept'],
  ['a least value that is not', 0.99, least, 'missed'],
  ['a most value that is reached', 1, most, 'kept'],
  ['a most value that is passed', 1.01, most, 'missed'],
  ['no target', 0.1, {}, 'shown'],
  ['no number', Number.NaN, least, 'void'],
  ['a void figure, whatever its value', 2, { ...least, isVoid: 'late' }, 'void'],
] as const) {
  test(`${name}: ${verdict}`, () => assert.equal(judge({ ...figure([value]), ...more }), verdict));
}

test('the interval holds the median and stays within the values', () => {
  const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(values, all => {
      const [low, high] = bootstrapInterval(all);
      assert.ok(Math.min(...all) <= low && low <= median(all) && median(all) <= high);
      assert.ok(high <= Math.max(...all));
    }),
    { numRuns: 50 },
  );
});

const timing = (batch: number, p50Ms: number) => ({ batch, p50Ms }) as RawTiming;

test('the best batch is the one with the least time a row', () => {
  assert.equal(bestBatch([timing(1, 1), timing(8, 4), timing(32, 20)]).batch, 8);
});

test('a baseline that gains 15 % less from batches than it should is void', () => {
  assert.equal(shortOfReference('large', [timing(1, 0.1), timing(64, 1.28)]), undefined);
  assert.match(shortOfReference('large', [timing(1, 0.1), timing(64, 1.6)]) ?? '', /gains 4\.0×/);
});
