import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PredictionError } from '../../src/batch/prediction-error.ts';
import { uniform } from '../support/random.ts';

test('a prediction is trusted to two thirds of the deadline until it has been put to the test', () => {
  assert.equal(new PredictionError().factor, 1.5);
});

test('predictions are multiplied with what waits took beyond them, within bounds', () => {
  const error = new PredictionError();
  for (let i = 0; i < 500; i++) error.inTime(100, 20);
  assert.equal(error.factor, 1.1);
  for (let i = 0; i < 50; i++) error.inTime(100, i % 10 === 0 ? 180 : 100);
  assert.equal(error.factor, 1.8);
  for (let i = 0; i < 50; i++) error.inTime(100, 5000);
  assert.equal(error.factor, 3);
});

test('one late answer widens the margin as much as a hundred in time narrow it', () => {
  const error = new PredictionError();
  for (let i = 0; i < 500; i++) error.inTime(100, 20);
  for (let i = 0; i < 4; i++) error.late(100, 100);
  assert.equal(error.factor, 2.1);
  for (let i = 0; i < 99; i++) error.inTime(100, 20);
  assert.ok(Math.abs(error.factor - 1.85) < 1e-9);
});

test('hardly anybody who is let in is late, though the machine swings between its pace and half of it', () => {
  const error = new PredictionError();
  const random = uniform(1);
  let late = 0;
  for (let i = 0; i < 10_000; i++) {
    const pace = 1.5 + Math.sin(i / 100) / 2;
    const predictedMs = 500 / error.factor;
    const tookMs = predictedMs * pace * (0.8 + 0.3 * random());
    if (tookMs <= 500) error.inTime(predictedMs, tookMs);
    else {
      error.late(predictedMs, 500);
      late++;
    }
  }
  assert.ok(late < 150, `${late} of 10,000 were late`);
});
