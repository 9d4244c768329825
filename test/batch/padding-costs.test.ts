import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { PaddingCosts } from '../../src/batch/padding-costs.ts';

type Law = (rows: number, elements: number) => number;

function learned(law: Law, rows: readonly number[], elements: readonly number[]): PaddingCosts {
  const costs = new PaddingCosts();
  for (const r of rows) for (const e of elements) for (let i = 0; i < 4; i++) costs.add(r, e, law(r, e));
  return costs;
}

const near = (actual: number | undefined, expected: number, tolerance: number): void => {
  assert.ok(actual !== undefined && Math.abs(actual / expected - 1) < tolerance, `${actual} for ${expected}`);
};

test('nothing is known before anything ran, nor far from what ran', () => {
  const costs = new PaddingCosts();
  assert.equal(costs.estimate(1, 100), undefined);
  costs.add(1, 100, 5);
  near(costs.estimate(1, 100), 5, 0.01);
  assert.equal(costs.estimate(2, 100), undefined);
  assert.equal(costs.estimate(1, 200), undefined);
});

test('between the sizes that ran, costs that are a plane are found', () => {
  const laws: Law[] = [
    () => 7,
    (rows, elements) => 0.01 * rows * elements,
    (rows, elements) => 3 + 0.2 * rows + 0.005 * rows * elements,
  ];
  for (const law of laws) {
    const costs = learned(law, [1, 2, 4, 8, 16], [50, 100, 200, 400]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 50, max: 400 }), (rows, elements) => {
        near(costs.estimate(rows, elements), law(rows, elements), 0.03);
      }),
    );
  }
});

test('costs that bend are met where they were measured', () => {
  const law: Law = (rows, elements) => 0.2 * (rows * elements) ** 1.2 + elements ** 2 / 500;
  const costs = learned(law, [1, 2, 4, 8], [64, 128, 256, 512]);
  for (const rows of [1, 2, 4, 8])
    for (const e of [64, 128, 256, 512]) near(costs.estimate(rows, e), law(rows, e), 0.15);
});

test('one run held up does not make a size dear, a lasting change does', () => {
  const costs = learned(() => 10, [1], [100]);
  costs.add(1, 100, 1000);
  near(costs.estimate(1, 100), 12, 0.01);
  for (let i = 0; i < 200; i++) costs.add(1, 100, 40);
  near(costs.estimate(1, 100), 40, 0.02);
});

test('what was not seen for thousands of runs is no longer believed', () => {
  const costs = learned(() => 10, [8], [100]);
  for (let i = 0; i < 5000; i++) costs.add(1, 100, 1);
  assert.equal(costs.estimate(8, 100), undefined);
  near(costs.estimate(1, 100), 1, 0.01);
});

test('many sizes do not make it forget the one that runs', () => {
  const costs = new PaddingCosts();
  for (let i = 0; i < 400; i++) {
    costs.add(1, 100, 5);
    costs.add(1 + (i % 20) * 50, 2 ** (8 + Math.floor(i / 20)), 9);
  }
  near(costs.estimate(1, 100), 5, 0.05);
});

test('an estimate is never negative', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.integer({ min: 1, max: 64 }),
          fc.integer({ min: 1, max: 1000 }),
          fc.double({ min: 0.001, max: 100, noNaN: true }),
        ),
        { minLength: 1, maxLength: 60 },
      ),
      seen => {
        const costs = new PaddingCosts();
        for (const [rows, elements, ms] of seen) costs.add(rows, elements, ms);
        for (const [rows, elements] of seen) {
          const ms = costs.estimate(rows, elements);
          assert.ok(ms !== undefined && ms >= 0 && Number.isFinite(ms), `${ms}`);
        }
      },
    ),
  );
});
