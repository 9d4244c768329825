import assert from 'node:assert/strict';
import test from 'node:test';
import { drawnLatency } from '../../bench/simulator/drawn-latency.ts';
import { latencyOf } from '../../bench/simulator/latency-table.ts';

const usual = latencyOf([
  { rows: 1, ms: 10 },
  { rows: 101, ms: 110 },
]);

test('runs take what measured runs of their size took, in the same shares', () => {
  const measured = Array.from({ length: 100 }, (_, i) => ({ rows: 8, ms: i < 90 ? 17 : 50 }));
  const latency = drawnLatency(measured, usual, 3);
  const drawn = Array.from({ length: 2000 }, () => latency(8));
  assert.deepEqual([...new Set(drawn)].sort(), [17, 50]);
  const slow = drawn.filter(ms => ms === 50).length / drawn.length;
  assert.ok(slow > 0.07 && slow < 0.13, `${slow}`);
});

test('a size that was not measured takes what those near it took, times what lies between them', () => {
  const near = [
    { rows: 11, ms: 40 },
    { rows: 100, ms: 1 },
  ];
  const latency = drawnLatency(near.slice(0, 1), usual, 1);
  assert.equal(latency(21), 60);
  const many = Array.from({ length: 20 }, () => near).flat();
  assert.equal(drawnLatency(many, usual, 1)(11), 40, 'and far ones count only where near ones are too few');
});

test('the same seed draws the same, another another', () => {
  const measured = Array.from({ length: 50 }, (_, i) => ({ rows: 4, ms: i + 1 }));
  const draws = (seed: number) => {
    const latency = drawnLatency(measured, usual, seed);
    return Array.from({ length: 20 }, () => latency(4));
  };
  assert.deepEqual(draws(1), draws(1));
  assert.notDeepEqual(draws(1), draws(2));
});

test('with nothing measured there is nothing to draw from', () => {
  assert.throws(() => drawnLatency([], usual, 1), /no measured run/);
});
