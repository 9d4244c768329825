import assert from 'node:assert/strict';
import test from 'node:test';
import { addedCpu, type Stretch } from '../../bench/support/stretches.ts';
import { uniform } from '../support/random.ts';

/** 40 µs a request that drift up and down by a half, each stretch off by a tenth; `added` more in every second one. */
function alternating(added: number, seed: number): Stretch[] {
  const random = uniform(seed);
  return Array.from({ length: 2000 }, (_, at) => {
    const isAsItIs = at % 2 === 1;
    const drift = 1 + Math.sin(at / 50) / 2;
    const cpuUs = (40 + (isAsItIs ? added : 0)) * drift * (0.9 + 0.2 * random());
    return { isAsItIs, at, cpuUs };
  });
}

for (const added of [0, 1, 4]) {
  test(`${added} µs that are added are found though the machine drifts, by 95 % of intervals`, () => {
    let held = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const found = addedCpu(alternating(added, seed));
      assert.ok(Math.abs(found.us - added) < 0.6, `${found.us} instead of ${added}`);
      assert.ok(found.high - found.low < 1);
      // Of what was taken at the median: a drift moves both.
      const share = (added / 40) * found.withoutUs;
      if (found.low <= share && share <= found.high) held++;
    }
    assert.ok(held >= 180 && held <= 199, `${held} of 200`);
  });
}

test('a stretch in which the machine stood still says nothing', () => {
  const calm = alternating(1, 4);
  const disturbed = calm.map((one, i) => (i % 97 === 0 ? { ...one, cpuUs: 50 * one.cpuUs } : one));
  assert.ok(Math.abs(addedCpu(disturbed).us - addedCpu(calm).us) < 0.4);
});
