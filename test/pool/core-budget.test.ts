import assert from 'node:assert/strict';
import test from 'node:test';
import { coresForModels } from '../../src/pool/core-budget.ts';
import { chooseNext } from '../../src/pool/fair-share.ts';

const cases: [string, number, number, boolean, number][] = [
  ['an idle gateway leaves every core to the models', 4, 0.05, false, 4],
  ['a busy gateway keeps one', 4, 0.9, false, 3],
  ['one that keeps a core gives it back only when clearly less busy', 4, 0.6, true, 3],
  ['and then does', 4, 0.4, true, 4],
  ['moderate use is no reason to take one', 4, 0.6, false, 4],
  ['models always have a core', 1, 1.2, false, 1],
];
for (const [what, cores, share, kept, expected] of cases) {
  test(what, () => assert.equal(coresForModels(cores, share, kept), expected));
}

test('a run that needs more permits than its device has left to give takes all of them', () => {
  const seats = { device: 'cpu', weight: 2, total: 1, inUse: 0, open: true };
  const contender = { virtualMs: 0, seats: [seats] };
  assert.equal(
    chooseNext(
      [contender],
      () => 1,
      () => 1,
    )?.seats,
    seats,
  );
  assert.equal(
    chooseNext(
      [contender],
      () => 1,
      () => 2,
    ),
    undefined,
  );
});
