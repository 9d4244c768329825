import assert from 'node:assert/strict';
import test from 'node:test';
import { type Freshness, freshnessOf } from '../../src/cache/freshness.ts';

const LIFETIMES = { ttlMs: 100, staleWhileRevalidateMs: 50, staleIfErrorMs: 200 };

const ages: readonly [number, number, Freshness][] = [
  [0, 0, 'fresh'],
  [99, 0, 'fresh'],
  [100, 0, 'renew'],
  [149, 0, 'renew'],
  [150, 0, 'spare'],
  [150, 60, 'stale'],
  [160, 60, 'spare'],
  [299, 0, 'spare'],
  [300, 0, 'gone'],
  [300, Number.POSITIVE_INFINITY, 'stale'],
];
for (const [ageMs, maxStaleMs, expected] of ages) {
  test(`${ageMs} ms old, for who takes it ${maxStaleMs} ms past its time: ${expected}`, () => {
    assert.equal(freshnessOf(ageMs, LIFETIMES, { maxStaleMs }), expected);
  });
}
