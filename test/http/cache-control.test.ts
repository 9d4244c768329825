import assert from 'node:assert/strict';
import test from 'node:test';
import { readCacheControl } from '../../src/http/cache-control.ts';

const headers: readonly [string | undefined, object | undefined][] = [
  [undefined, undefined],
  ['', undefined],
  ['max-age=0, foo', undefined],
  ['no-cache', { reads: false, stores: true, onlyIfCached: false, maxStaleMs: 0 }],
  ['No-Store', { reads: false, stores: false, onlyIfCached: false, maxStaleMs: 0 }],
  ['only-if-cached, max-stale=5', { reads: true, stores: true, onlyIfCached: true, maxStaleMs: 5000 }],
  ['max-stale', { reads: true, stores: true, onlyIfCached: false, maxStaleMs: Number.POSITIVE_INFINITY }],
  ['max-stale="7"', { reads: true, stores: true, onlyIfCached: false, maxStaleMs: 7000 }],
  ['max-stale=-1', undefined],
];
for (const [header, expected] of headers) {
  test(`cache-control: ${header ?? 'absent'}`, () => assert.deepEqual(readCacheControl(header), expected));
}
