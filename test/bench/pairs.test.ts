import assert from 'node:assert/strict';
import test from 'node:test';
import { calmest, disturbance, measurePairs, type PairsKept } from '../../bench/scoreboard/pairs.ts';
import type { Bench } from '../../bench/scoreboard/row.ts';

const none = () => undefined;

/** Pairs on a host that takes these shares, one after the other; what was measured is the pair's number. */
async function onHost(shares: readonly number[], pairs: number, repeats: number) {
  const said: PairsKept[] = [];
  const host = { ticks: 0, stolen: 0 };
  const bench: Bench = {
    pairs,
    repeats,
    scale: 1,
    folder: '',
    progress: none,
    plot: none,
    kept: all => void said.push(all),
  };
  const measure = async (pair: number) => {
    host.ticks += 100;
    host.stolen += 100 * (shares[pair] ?? 0);
    return pair;
  };
  const counted = await measurePairs(bench, measure, () => ({ ...host }));
  return { counted, said };
}

test('on a calm host every pair counts and none is repeated', async () => {
  const { counted, said } = await onHost([0, 0.03, 0.01, 0], 3, 3);
  assert.deepEqual(counted, [0, 1, 2]);
  assert.deepEqual(said, [{ stolen: [0, 0.03, 0.01], kept: [0, 1, 2] }]);
});

test('a disturbed pair is measured again until enough were calm', async () => {
  const { counted } = await onHost([0, 0.5, 0, 0.4, 0], 3, 3);
  assert.deepEqual(counted, [0, 2, 4]);
});

test('when the host never is calm the calmest count, after so many repeats', async () => {
  const { counted, said } = await onHost([0.3, 0.5, 0.2, 0.4, 0.1, 0.01], 3, 2);
  assert.deepEqual(counted, [0, 2, 4]);
  assert.equal(said[0]?.stolen.length, 5);
});

test('where the system does not say, no pair is repeated', async () => {
  const bench = { pairs: 2, repeats: 2, scale: 1, folder: '', progress: none, plot: none, kept: none };
  assert.deepEqual(
    await measurePairs(
      bench,
      async pair => pair,
      () => undefined,
    ),
    [0, 1],
  );
});

test('the calmest keep their order, of equals the first are taken', () => {
  assert.deepEqual(calmest([0.2, 0, 0.1, 0, 0.1], 3), [1, 2, 3]);
});

test('what the host did is told when it mattered', () => {
  assert.equal(disturbance([]), '');
  assert.equal(disturbance([{ stolen: [0, 0.02], kept: [0, 1] }]), '');
  assert.equal(
    disturbance([{ stolen: [0, 0.5, 0.02], kept: [0, 2] }]),
    'the host disturbed pairs: the calmest 2 of 3 count',
  );
  assert.equal(
    disturbance([{ stolen: [0.04, 0.5, 0.2], kept: [0, 2] }]),
    'the host disturbed pairs: the calmest 2 of 3 count; ' +
      'in those that count the host gave 12 % of the CPU time to others, 20 % at most',
  );
});
