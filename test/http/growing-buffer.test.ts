import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ByteBudget, Reservation } from '../../src/http/byte-budget.ts';
import { GrowingBuffer } from '../../src/http/growing-buffer.ts';

test('chunks of any sizes come out one after another', () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(chunks, fc.boolean(), (parts, lengthKnown) => {
      const whole = Buffer.concat(parts);
      const buffer = new GrowingBuffer(whole.length, lengthKnown ? whole.length : undefined);
      for (const part of parts) buffer.append(part);
      assert.deepEqual(buffer.bytes(), whole);
    }),
    { numRuns: 50 },
  );
});

test('grows to exactly its limit', () => {
  const limit = 9 * 1024 * 1024 + 1;
  const buffer = new GrowingBuffer(limit);
  const chunk = Buffer.alloc(1024 * 1024, 7);
  for (let i = 0; i < 9; i++) buffer.append(chunk);
  buffer.append(Buffer.of(8));
  assert.equal(buffer.length, limit);
  assert.equal(buffer.bytes()[limit - 1], 8);
  assert.equal(buffer.bytes()[limit - 2], 7);
});

test('the budget is shared, refuses what does not fit, and gets everything back', () => {
  const budget = new ByteBudget(100);
  const [a, b] = [new Reservation(budget), new Reservation(budget)];
  a.take(60);
  assert.throws(() => b.expect(41), { code: 'overloaded' });
  b.expect(40);
  b.take(40);
  assert.throws(() => a.take(1), { code: 'overloaded' });
  assert.equal(budget.heldBytes, 100);
  a.release();
  a.release();
  assert.equal(budget.heldBytes, 40);
  b.release();
  assert.equal(budget.heldBytes, 0);
});
