import assert from 'node:assert/strict';
import test from 'node:test';
import { refusalProbability, Throttle } from '../../src/pool/throttle.ts';

test('what a server accepts is let through twice over, and beyond that the more is refused the less it accepts', () => {
  const cases: readonly [requests: number, accepts: number, probability: number][] = [
    [0, 0, 0],
    [100, 100, 0],
    [100, 50, 0],
    [99, 24.5, 0.5],
    [9, 0, 0.9],
    [1_000_000, 0, 0.95],
  ];
  for (const [requests, accepts, probability] of cases) {
    assert.equal(refusalProbability(requests, accepts), probability, `${accepts} of ${requests}`);
  }
});

test('a server that refuses everything is asked less, never not at all, and forgiven after two minutes', () => {
  let nowMs = 0;
  const draws = Array.from({ length: 1000 }, (_, i) => i / 1000);
  let drawn = 0;
  const throttle = new Throttle(
    () => nowMs,
    () => draws[(drawn++ * 617) % 1000] as number,
  );
  let asked = 0;
  for (let i = 0; i < 2000; i++) {
    if (!throttle.admits()) continue;
    asked++;
    throttle.refused();
  }
  assert.ok(asked > 50 && asked < 250, `asked ${asked} of 2000 times`);
  nowMs = 120_000;
  assert.equal(throttle.admits(), true);
});

test('the more a server refuses the more tries a run takes there, and it is forgotten after two minutes', () => {
  let nowMs = 0;
  const throttle = new Throttle(
    () => nowMs,
    () => 0.99,
  );
  assert.equal(throttle.tries, 1);
  for (let run = 0; run < 9; run++) throttle.accepted();
  assert.equal(throttle.tries, 1);
  for (let run = 0; run < 20; run++) throttle.refused();
  assert.equal(throttle.tries, 3);
  for (let run = 0; run < 1e4; run++) throttle.refused();
  assert.equal(Math.round(throttle.tries), 20);
  nowMs = 120_000;
  assert.equal(throttle.tries, 1);
});

test('runs under way say nothing yet: a server that refuses nobody has as many at once as it may', () => {
  const throttle = new Throttle(
    () => 0,
    () => 0,
  );
  for (let run = 0; run < 8; run++) assert.equal(throttle.admits(), true);
  for (let run = 0; run < 8; run++) throttle.accepted();
  assert.equal(throttle.admits(), true);
});
