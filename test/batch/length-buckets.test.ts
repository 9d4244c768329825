import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { bucketOf, roundUp } from '../../src/batch/length-buckets.ts';

const lengths = fc.nat(2 ** 31 - 1);
const multiples = fc.integer({ min: 1, max: 64 });

test('a bucket holds its length, is a multiple, and is less than an eighth too long', () => {
  fc.assert(
    fc.property(lengths, multiples, (length, multipleOf) => {
      const bucket = bucketOf(length, multipleOf);
      const rounded = roundUp(length, multipleOf);
      assert.ok(bucket >= length);
      assert.equal(bucket % multipleOf, 0);
      assert.ok(bucket === rounded || bucket < rounded * 1.125, `${length} → ${bucket}`);
    }),
  );
});

test('a longer length never has a smaller bucket, and a bucket is its own', () => {
  fc.assert(
    fc.property(lengths, lengths, multiples, (a, b, multipleOf) => {
      const [shorter, longer] = [Math.min(a, b), Math.max(a, b)];
      assert.ok(bucketOf(shorter, multipleOf) <= bucketOf(longer, multipleOf));
      assert.equal(bucketOf(bucketOf(a, multipleOf), multipleOf), bucketOf(a, multipleOf));
    }),
  );
});

test('eight buckets to a doubling', () => {
  const buckets = new Set<number>();
  for (let length = 1; length <= 128; length++) buckets.add(bucketOf(length, 1));
  assert.deepEqual(
    [...buckets],
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32]
      .concat([36, 40, 44, 48, 52, 56, 60, 64])
      .concat([72, 80, 88, 96, 104, 112, 120, 128]),
  );
  assert.equal(bucketOf(0, 8), 0);
  assert.equal(bucketOf(41, 8), 48);
});
