import assert from 'node:assert/strict';
import test from 'node:test';
import { LRUCache } from 'lru-cache';
import { HitEstimate } from '../../src/cache/hit-estimate.ts';
import { unitsOf } from '../../src/cache/request-units.ts';
import { DYNAMIC, ints, request } from '../batch/requests.ts';
import { uniform } from '../support/random.ts';

const split = unitsOf(DYNAMIC, true);
const unit = (content: number) => split(request(ints([content, 7 * content])));
const UNITS = 40_000;

/** What an LRU cache of that size finds of the second half, and what is estimated. */
function compare(contents: (random: () => number) => number, capacity: number, seed: number) {
  const random = uniform(seed);
  const cache = new LRUCache<number, true>({ max: capacity });
  const estimate = new HitEstimate(
    () => capacity,
    1000,
    () => 0,
  );
  let hits = 0;
  for (let i = 0; i < 2 * UNITS; i++) {
    if (i === UNITS) estimate.shareOf(UNITS);
    const content = contents(random);
    if (cache.get(content) === undefined) cache.set(content, true);
    else if (i >= UNITS) hits++;
    estimate.saw(unit(content));
  }
  return { share: hits / UNITS, estimated: estimate.shareOf(UNITS) };
}

for (const seed of [1, 2, 3]) {
  test(`the share of hits is an LRU cache's, within a tenth (seed ${seed})`, () => {
    const loads = [
      { contents: (random: () => number) => Math.floor(5000 * random()), capacity: 1000 },
      { contents: (random: () => number) => Math.floor(5000 * random()), capacity: 4000 },
      { contents: (random: () => number) => Math.floor(5000 * random() ** 3), capacity: 1000 },
    ];
    for (const { contents, capacity } of loads) {
      const { share, estimated } = compare(contents, capacity, seed);
      assert.ok(Math.abs(share - estimated) < 0.1, `${estimated} instead of ${share}`);
    }
  });
}

test('of contents that come once nothing would be found', () => {
  let next = 0;
  assert.equal(compare(() => next++, 1000, 1).estimated, 0);
});

test('of what comes round later than the cache remembers nothing would be found', () => {
  let next = 0;
  assert.equal(compare(() => next++ % 4000, 1000, 1).estimated, 0);
});

test('a single content that comes all the time would be found, followed or not', () => {
  for (let content = 0; content < 40; content++) {
    const { estimated } = compare(() => content, 1000, 1);
    assert.ok(estimated > 0.99, `${content}: ${estimated}`);
  }
});

test('what is past its time would not be found', () => {
  let now = 0;
  const estimate = new HitEstimate(
    () => 1000,
    100,
    () => now,
  );
  const all = Array.from({ length: 320 }, (_, content) => unit(content));
  for (const one of all) estimate.saw(one);
  estimate.shareOf(all.length);
  now = 100;
  for (const one of all) estimate.saw(one);
  assert.equal(estimate.shareOf(all.length), 0);
  now = 199;
  for (const one of all) estimate.saw(one);
  assert.equal(estimate.shareOf(all.length), 1);
});

test('what it was not shown counts as not found, and is not taken for hits that it missed', () => {
  const estimate = new HitEstimate(
    () => 1000,
    1000,
    () => 0,
  );
  // 40 % of what comes; none of it twice.
  for (let i = 0; i < 4000; i++) estimate.saw(unit(i));
  assert.equal(estimate.shareOf(10_000), 0);
  // All of it found: of that 40 %.
  for (let i = 0; i < 4000; i++) estimate.saw(unit(i % 50));
  const share = estimate.shareOf(10_000);
  assert.ok(Math.abs(share - 0.4) < 0.1, String(share));
});
