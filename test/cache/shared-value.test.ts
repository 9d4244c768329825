import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeShared, encodeShared } from '../../src/cache/shared-value.ts';
import type { StoredResult } from '../../src/cache/stored-result.ts';
import { ints, texts } from '../batch/requests.ts';

const KEY = '\x00\xff'.repeat(16);
const RESULT: StoredResult = {
  outputs: [ints([1, 2, 3, 4], 2), texts(['a', 'ü'], 2, 'labels')],
  storedAt: 1234,
};

test('what one gateway writes another reads, in memory of its own', () => {
  const value = encodeShared(KEY, RESULT);
  const read = decodeShared(KEY, value);
  value.fill(0);
  assert.deepEqual(read?.storedAt, 1234);
  assert.deepEqual(
    read?.outputs.map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
    RESULT.outputs.map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
  );
});

test('a value of another key is refused', () => {
  assert.equal(decodeShared(`${KEY.slice(1)}x`, encodeShared(KEY, RESULT)), undefined);
});

test('a value in which anything was changed or cut is refused', () => {
  const value = encodeShared(KEY, RESULT);
  fc.assert(
    fc.property(fc.nat(value.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(value);
      changed[at] = (changed[at] as number) ^ change;
      assert.equal(decodeShared(KEY, changed), undefined);
      assert.equal(decodeShared(KEY, value.subarray(0, at)), undefined);
    }),
  );
});

test('arbitrary bytes are refused', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      bytes => decodeShared(KEY, Buffer.from(bytes)) === undefined,
    ),
  );
});
