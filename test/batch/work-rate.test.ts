import assert from 'node:assert/strict';
import test from 'node:test';
import { WorkRate } from '../../src/batch/work-rate.ts';

/** `perMs` rows leave each ms from `from` until `to`, ms, while something waits. */
function drain(rate: WorkRate, perMs: number, from: number, to: number): void {
  for (let now = from; now < to; now++) {
    rate.waits(undefined, now);
    rate.sent(perMs, now);
  }
}

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 0.02 * b, `${a}, not ${b}`);

test('what runs promise is believed until a second of work was seen, and then what was', () => {
  const rate = new WorkRate(0);
  rate.rests(0);
  drain(rate, 2, 0, 900);
  assert.equal(rate.rowsPerMs(1, 4, 900), 4);
  drain(rate, 2, 900, 5000);
  near(rate.rowsPerMs(1, 4, 5000), 2);
});

test('when work begins anew the share that was seen is believed, of as many workers', () => {
  const rate = new WorkRate(0);
  rate.rests(0);
  drain(rate, 2, 0, 5000);
  rate.rowsPerMs(1, 4, 5000);
  rate.rests(5000);
  near(rate.rowsPerMs(1, 6, 5000), 3);
  assert.equal(rate.rowsPerMs(2, 6, 5000), 6, 'nothing was seen of two');
});

test('a standstill that is noticed later takes nothing from what was seen', () => {
  const rate = new WorkRate(0);
  rate.rests(0);
  drain(rate, 2, 0, 5000);
  rate.waits(5000, 5300);
  near(rate.rowsPerMs(1, 4, 6000), 2);
  assert.equal(rate.stoodSince(4000), true);
  rate.sent(2, 6000);
  near(rate.rowsPerMs(1, 4, 6000), 2);
  assert.equal(rate.stoodSince(6001), false);
});

test('rows that leave a second time are no work done', () => {
  const rate = new WorkRate(0);
  rate.rests(0);
  drain(rate, 2, 0, 5000);
  for (let again = 0; again < 100; again++) rate.sent(0, 5000);
  near(rate.rowsPerMs(1, 4, 5000), 2);
});
