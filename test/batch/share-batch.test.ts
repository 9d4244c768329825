import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type LengthGroup, type SharingTerms, shareBatch } from '../../src/batch/share-batch.ts';

type Cost = (rows: number, elements: number) => number | undefined;

const group = (rows: number, ...lengths: number[]): LengthGroup => ({ rows, lengths });

function terms(costOf: Cost, rest: Partial<SharingTerms> = {}): SharingTerms {
  const elementsOf = (lengths: readonly number[]) => lengths.reduce((a, b) => a + b, 0);
  const unbounded = {
    maxElements: Number.POSITIVE_INFINITY,
    maxTimes: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    withinMs: Number.POSITIVE_INFINITY,
  };
  return { maxRows: 32, ...unbounded, elementsOf, costOf, ...rest };
}

/** A run costs the same whatever is in it: the weights are what is read. */
const WEIGHT_BOUND: Cost = () => 10;
/** Each element costs: batching gains nothing, padding loses. */
const ARITHMETIC_BOUND: Cost = (rows, elements) => 0.1 * rows * elements;
/** A fixed part, and each element. */
const MIXED: Cost = (rows, elements) => 4 + 0.01 * rows * elements;
const UNKNOWN: Cost = () => undefined;

interface Case {
  readonly name: string;
  readonly head: LengthGroup;
  readonly others: readonly LengthGroup[];
  readonly terms: SharingTerms;
  readonly joining: readonly number[];
}

const CASES: readonly Case[] = [
  {
    name: 'where a run costs the same whatever its size, all that fit share it',
    head: group(2, 100),
    others: [group(3, 120), group(4, 80), group(1, 40)],
    terms: terms(WEIGHT_BOUND),
    joining: [3, 4, 1],
  },
  {
    name: 'where each element costs, nobody is padded',
    head: group(2, 100),
    others: [group(3, 104), group(4, 80)],
    terms: terms(ARITHMETIC_BOUND),
    joining: [0, 0],
  },
  {
    name: 'where runs have a fixed cost, those join whose padding costs clearly less than that',
    head: group(1, 1000),
    others: [group(1, 900), group(1, 800), group(1, 700), group(1, 400)],
    terms: terms(MIXED),
    joining: [1, 1, 0, 0],
  },
  {
    name: 'the batch may become longer for a longer request',
    head: group(1, 900),
    others: [group(1, 1000)],
    terms: terms(MIXED),
    joining: [1],
  },
  {
    name: 'but not for one that makes many rows longer',
    head: group(16, 900),
    others: [group(1, 1000)],
    terms: terms(MIXED),
    joining: [0],
  },
  {
    name: 'no more rows than there is room, the nearest length first',
    head: group(28, 100),
    others: [group(8, 50), group(2, 96)],
    terms: terms((rows, elements) => 10 + 0.001 * rows * elements),
    // The eight would have to run anyway for those that do not fit: nothing is gained by taking two of them.
    joining: [0, 2],
  },
  {
    name: 'a group of which only a part fits joins where that is cheaper',
    head: group(28, 100),
    others: [group(8, 100)],
    terms: terms((rows, elements) => 10 + 0.001 * rows * elements + (rows === 8 ? 5 : 0)),
    joining: [4],
  },
  {
    name: 'a full batch takes nobody',
    head: group(32, 100),
    others: [group(1, 100)],
    terms: terms(WEIGHT_BOUND),
    joining: [0],
  },
  {
    name: 'a batch that would be late for someone does not grow',
    head: group(1, 100),
    others: [group(1, 104)],
    terms: terms(WEIGHT_BOUND, { withinMs: 9 }),
    joining: [0],
  },
  {
    name: 'no batch is larger than can be padded in passing',
    head: group(4, 100),
    others: [group(4, 120), group(3, 100)],
    terms: terms(WEIGHT_BOUND, { maxElements: 700 }),
    joining: [0, 3],
  },
  {
    name: 'no row becomes more times as long as is allowed, whoever it joins',
    head: group(1, 100),
    others: [group(1, 201), group(1, 200), group(1, 90), group(1, 120)],
    terms: terms(WEIGHT_BOUND, { maxTimes: [2] }),
    // Once 90 ride along, 200 would be too long for them.
    joining: [0, 0, 1, 1],
  },
  {
    name: 'where costs are not known, hardly any padding is tried',
    head: group(1, 100),
    others: [group(1, 96), group(1, 120), group(1, 300)],
    terms: terms(UNKNOWN),
    joining: [1, 1, 0],
  },
  {
    name: 'what is known to be too slow is not tried',
    head: group(1, 100),
    others: [group(1, 96)],
    terms: terms(rows => (rows === 2 ? 50 : undefined), { withinMs: 40 }),
    joining: [0],
  },
  {
    name: 'however cheap a run, most of it is never padding',
    head: group(1, 1000),
    others: [group(31, 10)],
    terms: terms(WEIGHT_BOUND),
    joining: [0],
  },
  {
    name: 'several axes are padded each to its longest',
    head: group(1, 100, 20),
    others: [group(1, 20, 100), group(1, 100, 22)],
    terms: terms((_rows, elements) => (elements > 150 ? 1000 : 10)),
    joining: [0, 1],
  },
  {
    name: 'nothing of no length is padded, nor to no length',
    head: group(1, 0),
    others: [group(1, 0)],
    terms: terms(WEIGHT_BOUND),
    joining: [0],
  },
];

for (const { name, head, others, terms, joining } of CASES) {
  test(name, () => assert.deepEqual(shareBatch(head, others, terms), joining));
}

test('the batch never has more rows than the largest, nor a group more than wait', () => {
  const groups = fc.array(
    fc.record({ rows: fc.integer({ min: 1, max: 40 }), lengths: fc.tuple(fc.nat(500), fc.nat(500)) }),
    { minLength: 1, maxLength: 20 },
  );
  const costs = fc.constantFrom(WEIGHT_BOUND, ARITHMETIC_BOUND, MIXED, UNKNOWN);
  fc.assert(
    fc.property(groups, costs, fc.integer({ min: 40, max: 64 }), ([head, ...others], cost, maxRows) => {
      const joining = shareBatch(head as LengthGroup, others, terms(cost, { maxRows }));
      assert.equal(joining.length, others.length);
      for (const [i, rows] of joining.entries()) assert.ok(rows >= 0 && rows <= (others[i]?.rows ?? 0));
      assert.ok((head?.rows ?? 0) + joining.reduce((a, b) => a + b, 0) <= maxRows);
    }),
  );
});

test('sharing never costs more than running apart, where all is known', () => {
  const groups = fc.array(
    fc.record({ rows: fc.integer({ min: 1, max: 8 }), lengths: fc.tuple(fc.integer({ min: 1, max: 500 })) }),
    { minLength: 2, maxLength: 6 },
  );
  fc.assert(
    fc.property(groups, ([head, ...others]) => {
      const joining = shareBatch(head as LengthGroup, others, terms(MIXED));
      const cost = ({ rows, lengths: [length = 0] }: LengthGroup) =>
        rows === 0 ? 0 : (MIXED(rows, length) ?? 0);
      const apart = [head as LengthGroup, ...others].reduce((sum, other) => sum + cost(other), 0);
      const inside = others.filter((_, i) => (joining[i] ?? 0) > 0);
      const length = Math.max(...[head as LengthGroup, ...inside].map(({ lengths }) => lengths[0] ?? 0));
      const rows = (head?.rows ?? 0) + joining.reduce((a, b) => a + b, 0);
      const left = others.reduce(
        (sum, other, i) => sum + cost({ ...other, rows: other.rows - (joining[i] ?? 0) }),
        0,
      );
      assert.ok(cost(group(rows, length)) + left <= apart + 1e-9);
    }),
  );
});
