import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { findHighestRate } from '../../src/load/find-rate.ts';

/** Holds up to `limit`; counts how often it was asked. */
function sharp(limit: number) {
  const asked: number[] = [];
  const probe = async (rate: number) => {
    asked.push(rate);
    return rate <= limit;
  };
  return { probe, asked };
}

test('finds a limit wherever it lies, from below, to the asked-for precision', async () => {
  const property = fc.asyncProperty(
    fc.double({ min: 20, max: 4000, noNaN: true }),
    fc.constantFrom(0.02, 0.05, 0.2),
    async (limit, precision) => {
      const { probe } = sharp(limit);
      const found = await findHighestRate(probe, { high: 1000, precision, probes: 30 });
      assert.ok(found <= limit && found >= limit * (1 - precision) - 1e-9, `${found} for ${limit}`);
    },
  );
  await fc.assert(property);
});

test('gives up when even a small part of the assumed rate is too much', async () => {
  const { probe, asked } = sharp(0);
  assert.equal(await findHighestRate(probe, { high: 640 }), 0);
  assert.equal(Math.min(...asked), 10);
});

test('tries no more rates than it may', async () => {
  const { probe, asked } = sharp(333);
  await findHighestRate(probe, { high: 1000, precision: 1e-9, probes: 4 });
  assert.equal(new Set(asked).size, 4);
});

test('one unlucky run decides nothing, nor does one lucky run', async () => {
  let runs = 0;
  const probe = async (rate: number) => (++runs % 3 === 1 ? rate > 500 : rate <= 500);
  const found = await findHighestRate(probe, { high: 1000, probes: 30 });
  assert.ok(found > 450 && found <= 500, String(found));
});
