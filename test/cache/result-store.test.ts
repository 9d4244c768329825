import assert from 'node:assert/strict';
import test from 'node:test';
import { scopeOf } from '../../src/cache/content-key.ts';
import { ResultStore } from '../../src/cache/result-store.ts';
import { isAllFinite, type StoredResult, sizeOfResult } from '../../src/cache/stored-result.ts';
import type { Datatype } from '../../src/tensor.ts';

function result(bytes: number): StoredResult {
  return {
    outputs: [{ name: 'y', datatype: 'UINT8', shape: [bytes], data: new Uint8Array(bytes) }],
    storedAt: 0,
  };
}
const ONE = sizeOfResult(result(1000));

function claim(store: ResultStore, model = 'm', version = '1', content = 'c') {
  return store.claim({
    model,
    version,
    scope: scopeOf({ model, version, contentSha256: [content], numericClass: [] }),
  });
}

test('a version keeps no more than its share: what was used longest ago goes', () => {
  const store = new ResultStore({ maxBytes: 10 * ONE, maxModelShare: 0.3 });
  const shelf = claim(store);
  for (const key of ['a', 'b', 'c']) shelf.set(key, result(1000));
  shelf.get('a');
  shelf.set('d', result(1000));
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map(key => shelf.get(key) !== undefined),
    [true, false, true, true],
  );
  assert.deepEqual([store.bytes, store.dropped], [3 * ONE, 1]);
});

test('all versions together keep no more than the whole: who holds most gives way', () => {
  const store = new ResultStore({ maxBytes: 4 * ONE, maxModelShare: 1 });
  const [large, small] = [claim(store), claim(store, 'n')];
  for (const key of ['a', 'b', 'c']) large.set(key, result(1000));
  for (const key of ['x', 'y']) small.set(key, result(1000));
  assert.deepEqual([large.size, small.size, store.bytes], [2, 2, 4 * ONE]);
});

test('there is room for as many results as a model may hold, while others leave them', () => {
  const store = new ResultStore({ maxBytes: 10 * ONE, maxModelShare: 0.6 });
  const [shelf, other] = [claim(store), claim(store, 'other')];
  shelf.set('a', result(1000));
  assert.equal(shelf.room, 6);
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) other.set(key, result(1000));
  assert.equal(shelf.room, 4);
});

test('what is larger than a version may hold is not kept', () => {
  const store = new ResultStore({ maxBytes: 4 * ONE, maxModelShare: 0.5 });
  const shelf = claim(store);
  shelf.set('a', result(4000));
  assert.deepEqual([shelf.size, store.bytes], [0, 0]);
});

test('a result put again takes its room once', () => {
  const store = new ResultStore({ maxBytes: 10 * ONE, maxModelShare: 1 });
  const shelf = claim(store);
  shelf.set('a', result(1000));
  shelf.set('a', result(2000));
  assert.equal(store.bytes, sizeOfResult(result(2000)));
  shelf.delete('a');
  assert.equal(store.bytes, 0);
});

test('the same content loaded anew finds what was kept; other content nothing', () => {
  const store = new ResultStore({ maxBytes: 10 * ONE, maxModelShare: 1 });
  const before = claim(store);
  before.set('a', result(1000));
  const again = claim(store);
  const other = claim(store, 'm', '1', 'new content');
  before.release();
  before.release();
  assert.notEqual(again.get('a'), undefined);
  assert.equal(other.get('a'), undefined);
  again.release();
  assert.equal(store.bytes, 0);
});

test('who has let go keeps nothing any more', () => {
  const store = new ResultStore({ maxBytes: 10 * ONE, maxModelShare: 1 });
  const shelf = claim(store);
  shelf.release();
  shelf.set('a', result(1000));
  assert.equal(store.bytes, 0);
});

test('a purge drops one version of a model, or all of them, and nothing else', () => {
  const store = new ResultStore({ maxBytes: 10 * ONE, maxModelShare: 1 });
  const shelves = [claim(store, 'm', '1'), claim(store, 'm', '2'), claim(store, 'n', '1')];
  for (const shelf of shelves) shelf.set('a', result(1000));
  assert.equal(store.purge('m', '2'), 1);
  assert.deepEqual(
    shelves.map(({ size }) => size),
    [1, 0, 1],
  );
  assert.equal(store.purge('m'), 1);
  assert.equal(store.bytes, ONE);
});

const floats: readonly [Datatype, Uint8Array, boolean][] = [
  ['FP32', new Uint8Array(Float32Array.of(1, -3.4e38).buffer), true],
  ['FP32', new Uint8Array(Float32Array.of(1, Number.NaN).buffer), false],
  ['FP32', new Uint8Array(Float32Array.of(Number.NEGATIVE_INFINITY, 1).buffer), false],
  ['FP64', new Uint8Array(Float64Array.of(1, 1.7e308).buffer), true],
  ['FP64', new Uint8Array(Float64Array.of(Number.POSITIVE_INFINITY).buffer), false],
  ['FP16', Uint8Array.of(0xff, 0x7b), true],
  ['FP16', Uint8Array.of(0x00, 0x7c), false],
  ['INT32', Uint8Array.of(0, 0, 0x80, 0x7f), true],
];
for (const [datatype, data, expected] of floats) {
  test(`${datatype} [${[...data]}] is ${expected ? '' : 'not '}finite`, () => {
    assert.equal(isAllFinite([{ name: 'y', datatype, shape: [data.length], data }]), expected);
  });
}
