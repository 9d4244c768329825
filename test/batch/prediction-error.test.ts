import assert from 'node:assert/strict';
import { test } from 'node:test';
import { couldBeRefused, PredictionError } from '../../src/batch/prediction-error.ts';
import { uniform } from '../support/random.ts';

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found}, not ${expected}`);

/** Long after: nothing of the margin is left. */
const CALM_MS = 1e6;

function tested(): PredictionError {
  const error = new PredictionError();
  error.inTime(100, 0, 20);
  return error;
}

test('a prediction is trusted to two thirds of the deadline until it has been put to the test, however late', () => {
  const error = new PredictionError();
  assert.equal(error.factorAt(0), 1.5);
  assert.equal(error.factorAt(CALM_MS), 1.5);
});

test('predictions are multiplied with what the newest waits took beyond them, within bounds', () => {
  const waits = (ms: (i: number) => number) => {
    const error = tested();
    for (let i = 0; i < 50; i++) error.inTime(100, CALM_MS - ms(i), CALM_MS);
    return error.factorAt(CALM_MS);
  };
  near(
    waits(() => 20),
    1.1,
  );
  near(
    waits(i => (i % 10 === 0 ? 180 : 100)),
    1.8,
  );
  near(
    waits(() => 5000),
    3,
  );
});

test('a late answer widens the margin, those let in before that do not widen it again', () => {
  const error = tested();
  const at = CALM_MS;
  error.late(100, at - 100, at);
  near(error.factorAt(at), 1.6);
  for (let i = 0; i < 20; i++) error.late(100, at - 99 + i, at + 1 + i);
  near(error.factorAt(at), 1.6);
  error.late(100, at + 1, at + 101);
  assert.ok(error.factorAt(at + 101) > 2.05, 'one that was let in since does');
});

test('nobody stays shut out: mistrust halves in ten seconds though nobody is let in to disprove it', () => {
  const error = tested();
  for (let i = 0; i < 9; i++) error.late(100, CALM_MS + i * 1000, CALM_MS + i * 1000 + 500);
  const at = CALM_MS + 8500;
  near(error.factorAt(at), 3);
  for (let i = 0; i < 50; i++) error.inTime(100, at - 500, at);
  near(error.factorAt(at), 3);
  near(error.factorAt(at + 30_000), 1.1 + (5 - 1.1) / 8);
});

test('hardly anybody who is let in is late, though the machine swings between its pace and half of it', () => {
  const error = new PredictionError();
  const random = uniform(1);
  const running: { readonly from: number; readonly predictedMs: number; readonly tookMs: number }[] = [];
  let late = 0;
  for (let now = 0; now < 200_000; now += 20) {
    while (running[0] !== undefined && running[0].from + Math.min(500, running[0].tookMs) <= now) {
      const { from, predictedMs, tookMs } = running.shift() as (typeof running)[number];
      if (tookMs <= 500) error.inTime(predictedMs, from, from + tookMs);
      else {
        error.late(predictedMs, from, from + 500);
        late++;
      }
    }
    const pace = 1.5 + Math.sin(now / 3000) / 2;
    const predictedMs = 500 / error.factorAt(now);
    running.push({ from: now, predictedMs, tookMs: predictedMs * pace * (0.8 + 0.3 * random()) });
  }
  assert.ok(late < 200, `${late} of 10,000 were late`);
});

test('a wait teaches something where a wide enough margin would have refused it', () => {
  assert.equal(couldBeRefused(5, 2000), false);
  assert.equal(couldBeRefused(666, 2000), false);
  assert.equal(couldBeRefused(667, 2000), true);
  assert.equal(couldBeRefused(1e9, Number.POSITIVE_INFINITY), false);
});
