import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AdaptiveLimit, type Gradient, nextLimit } from '../../src/pool/adaptive-limit.ts';

const CASES: readonly (readonly [
  name: string,
  limit: number,
  most: number,
  gradient: Gradient,
  next: number,
])[] = [
  ['stays at what is configured while batches take as long as usual', 32, 32, { ratio: 1, inFlight: 32 }, 32],
  ['grows by a fifth of the queue', 16, 32, { ratio: 1, inFlight: 16 }, 16.8],
  ['half as long again is no sign of a queue', 16, 32, { ratio: 1 / 1.5, inFlight: 16 }, 16.8],
  ['shrinks when they take twice as long', 32, 32, { ratio: 0.5, inFlight: 32 }, 31.2],
  ['by no more than a tenth at once, however long', 100, 100, { ratio: 0.01, inFlight: 99 }, 90.8],
  ['says nothing of a limit that is not half used', 32, 32, { ratio: 0.1, inFlight: 15 }, 32],
  ['of eight never shrinks', 8, 8, { ratio: 0.01, inFlight: 8 }, 8],
];
for (const [name, limit, most, gradient, next] of CASES) {
  test(`a limit ${name}`, () => assert.ok(Math.abs(nextLimit(limit, most, gradient) - next) < 1e-9));
}

test('a limit is never below one batch, nor above what is configured', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 200, noNaN: true }),
      fc.double({ min: 0, max: 10, noNaN: true }),
      fc.nat(300),
      (limit, ratio, inFlight) => {
        const next = nextLimit(limit, 200, { ratio, inFlight });
        assert.ok(next >= 1 && next <= 200);
      },
    ),
  );
});

/** A worker that computes 8 batches at once: the others wait there. */
const latencyMs = (inFlight: number, rows = 1): number => 100 * rows * Math.max(1, inFlight / 8);

/** So many seconds of as many batches at once as it may have. */
function run(
  limit: AdaptiveLimit,
  from: number,
  seconds: number,
  msOf: (inFlight: number) => number,
): number {
  for (let s = from; s < from + seconds; s++) {
    for (let i = 1; i <= 20; i++) {
      const inFlight = limit.batches;
      limit.add(1, msOf(inFlight), inFlight, s * 1000 + i * 50);
    }
  }
  return from + seconds;
}

test('a server that is asked for more at once than it can do is asked for less, and for more again when it can', () => {
  const limit = new AdaptiveLimit(64, 0);
  let s = run(limit, 0, 60, () => 100);
  assert.equal(limit.batches, 64);
  s = run(limit, s, 60, latencyMs);
  assert.ok(limit.batches >= 8 && limit.batches <= 24, `${limit.batches}`);
  s = run(limit, s, 120, () => 100);
  assert.equal(limit.batches, 64);
});

test('larger batches take longer, and are no sign of a queue', () => {
  const limit = new AdaptiveLimit(64, 0);
  run(limit, 0, 30, () => 100);
  for (let i = 0; i < 600; i++) limit.add(32, 3200, 64, 30_000 + i * 50);
  assert.equal(limit.batches, 64);
});

test('few batches in a second decide nothing', () => {
  const limit = new AdaptiveLimit(64, 0);
  run(limit, 0, 30, () => 100);
  for (let i = 0; i < 9; i++) assert.equal(limit.add(1, 10_000, 64, 31_000 + i * 100), false);
});
