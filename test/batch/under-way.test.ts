import assert from 'node:assert/strict';
import test from 'node:test';
import type { LatencyPoint } from '../../src/batch/latency-points.ts';
import { UnderWay } from '../../src/batch/under-way.ts';
import type { Slot } from '../../src/inference.ts';

const TAKES: LatencyPoint = { rows: 8, runs: 9, runMs: 10, upperMs: 12, overheadMs: 1, leastOverheadMs: 1 };

function slot(mayYield = true): Slot & { yields: number } {
  return {
    kind: 'cpu',
    yields: 0,
    execute: () => Promise.reject(new Error('not run here')),
    release: () => {},
    yieldNext() {
      if (mayYield) this.yields++;
      return mayYield;
    },
  };
}

test('the next batch may leave when the run before it ends less the way there', () => {
  const underWay = new UnderWay();
  assert.equal(underWay.nextAt, Number.POSITIVE_INFINITY);
  assert.equal(underWay.soonestMs(0), 0);
  underWay.add(slot(), TAKES, 100);
  assert.equal(underWay.nextAt, 110);
  assert.equal(underWay.soonestMs(103), 8);
  assert.equal(underWay.soonestMs(150), 0, 'what is late may end any moment');
});

test('of several, the one that ends first gives its seat on, and each only once', () => {
  const underWay = new UnderWay();
  const [first, second] = [slot(), slot()];
  underWay.add(first, TAKES, 105);
  underWay.add(second, TAKES, 100);
  assert.equal(underWay.yieldNext(), true);
  assert.deepEqual([first.yields, second.yields], [0, 1]);
  assert.equal(underWay.yieldNext(), true);
  assert.equal(underWay.yieldNext(), false);
  assert.deepEqual([first.yields, second.yields], [1, 1]);
});

test('a batch behind another begins when that ends', () => {
  const underWay = new UnderWay();
  const first = underWay.add(slot(), TAKES, 100);
  underWay.yieldNext();
  const behind = underWay.add(slot(), TAKES, 110);
  assert.equal(behind.behind, true);
  underWay.end(first, 125);
  assert.equal(behind.behind, false);
  assert.equal(underWay.nextAt, 134, 'ten ms of its own from 125, less the way');
});

test('with nothing known nothing leaves early', () => {
  const underWay = new UnderWay();
  underWay.add(slot(), undefined, 100);
  assert.equal(underWay.nextAt, Number.POSITIVE_INFINITY);
  assert.equal(underWay.nextExpected, undefined);
  assert.equal(underWay.yieldNext(), false);
});

test('a seat that may not be given on is not', () => {
  const underWay = new UnderWay();
  underWay.add(slot(false), TAKES, 100);
  assert.equal(underWay.yieldNext(), false);
  assert.equal(underWay.nextAt, 110);
});
