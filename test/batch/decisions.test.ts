import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Admission, type Applicant, admit, refusalOf } from '../../src/batch/admission.ts';
import { type BatcherOptions, closingRuleOf } from '../../src/batch/batcher-options.ts';
import { paddingFor } from '../../src/batch/padding.ts';
import { RowRate, retryAfterMs } from '../../src/batch/row-rate.ts';
import { DeadlineHeap } from '../../src/deadline-heap.ts';

test('padding leads to the next allowed size, and to none beyond the last', () => {
  const table: readonly [rows: number, allowed: readonly number[], padding: number][] = [
    [1, [], 0],
    [1, [4, 8], 3],
    [4, [4, 8], 0],
    [5, [4, 8], 3],
    [8, [4, 8], 0],
    [9, [4, 8], 0],
  ];
  for (const [rows, allowed, padding] of table) assert.equal(paddingFor(rows, allowed), padding);
});

test('admission counts rows, bytes and signatures, each against its own bound', () => {
  const bounds = { maxQueueRows: 10, maxQueueBytes: 100, maxSignatures: 2 };
  const waiting = { rows: 8, bytes: 90, signatures: 2 };
  const small: Applicant = { rows: 1, bytes: 1, hasNewSignature: false };
  const table: readonly [Partial<Applicant>, Admission][] = [
    [{}, 'admitted'],
    [{ rows: 2, bytes: 10 }, 'admitted'],
    [{ rows: 3 }, 'rows-full'],
    [{ rows: 10 }, 'rows-full'],
    [{ rows: 11 }, 'rows-never-fit'],
    [{ bytes: 11 }, 'bytes-full'],
    [{ bytes: 101 }, 'bytes-never-fit'],
    [{ hasNewSignature: true }, 'signatures-full'],
  ];
  for (const [applicant, expected] of table) {
    assert.equal(admit(waiting, { ...small, ...applicant }, bounds), expected);
  }
});

test('a full queue is overloaded with a time to try again; what never fits is too large', () => {
  const bounds = { maxQueueRows: 10, maxQueueBytes: 100, maxSignatures: 2 };
  for (const admission of ['rows-full', 'bytes-full', 'signatures-full'] as const) {
    const error = refusalOf(admission, 'm', bounds, 70);
    assert.deepEqual([error.code, error.retryAfterMs], ['overloaded', 70]);
  }
  for (const admission of ['rows-never-fit', 'bytes-never-fit'] as const) {
    const error = refusalOf(admission, 'm', bounds, 70);
    assert.deepEqual([error.code, error.retryAfterMs], ['too-large', undefined]);
  }
});

test('the time to try again is what the queue takes to be served, within bounds', () => {
  assert.equal(retryAfterMs(100, 0.5), 200);
  assert.equal(retryAfterMs(1, 1000), 1);
  assert.equal(retryAfterMs(1e9, 1), 30_000);
  assert.equal(retryAfterMs(100, 0), 1000);
});

test('the drain rate follows the last second', () => {
  const rate = new RowRate(0);
  assert.equal(rate.rowsPerMs(0), 0);
  for (let now = 1; now <= 100; now++) rate.add(10, now);
  assert.ok(Math.abs(rate.rowsPerMs(100) - 10) < 0.5, 'right from the start');
  for (let now = 101; now <= 6000; now++) rate.add(2, now);
  assert.ok(Math.abs(rate.rowsPerMs(6000) - 2) < 0.1, 'forgets what was');
  assert.ok(rate.rowsPerMs(9000) < 0.15, 'fades in silence');
});

test('the rule keeps preferred sizes in order and within the largest batch', () => {
  const options = {
    maxBatchSize: 32,
    joinsRequests: true,
    allowedBatchSizes: [],
    preferredBatchSizes: [],
    maxQueueDelayMs: 5,
  };
  const rule = (rest: Partial<BatcherOptions>): object =>
    closingRuleOf({ ...options, ...rest } as unknown as BatcherOptions);
  const expect = (rest: Partial<BatcherOptions>, maxRows: number, preferredRows: number[] = []): void =>
    assert.deepEqual(rule(rest), { maxRows, preferredRows, delayMs: 5, joins: true });
  expect({ preferredBatchSizes: [16, 4, 64, 0] }, 32, [4, 16]);
  expect({ allowedBatchSizes: [4, 16] }, 16);
  expect({ allowedBatchSizes: [4, 64] }, 32);
});

test('where requests are not joined nothing is waited for', () => {
  const options = { allowedBatchSizes: [], preferredBatchSizes: [4], maxQueueDelayMs: 5 };
  const rule = (maxBatchSize: number, joinsRequests: boolean): object =>
    closingRuleOf({ ...options, maxBatchSize, joinsRequests } as unknown as BatcherOptions);
  const alone = { preferredRows: [], delayMs: 0, joins: false };
  assert.deepEqual(rule(0, true), { ...alone, maxRows: 1 });
  assert.deepEqual(rule(32, false), { ...alone, maxRows: 32 });
});

test('the deadline heap gives the earliest, whatever is added and removed', () => {
  const step = fc.record({ deadline: fc.integer({ min: 0, max: 20 }), removes: fc.option(fc.nat(50)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const heap = new DeadlineHeap<{ deadline: number; heapIndex: number }>();
      const members: { deadline: number; heapIndex: number }[] = [];
      for (const { deadline, removes } of steps) {
        const member = { deadline, heapIndex: -1 };
        heap.add(member);
        members.push(member);
        if (removes !== null) {
          const [gone] = members.splice(removes % members.length, 1);
          assert.ok(gone);
          heap.remove(gone);
          heap.remove(gone);
        }
        const earliest = Math.min(...members.map(m => m.deadline));
        assert.equal(heap.earliest?.deadline ?? Number.POSITIVE_INFINITY, earliest);
      }
    }),
  );
});
