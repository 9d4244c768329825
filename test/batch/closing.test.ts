import assert from 'node:assert/strict';
import test from 'node:test';
import { type ClosingRule, closeBatch, MAX_PASSED_OVER, type WaitingRows } from '../../src/batch/closing.ts';

/** Negative: so many rows of a request that may be split. */
function queue(rows: readonly number[], submittedAt: readonly number[] = []): WaitingRows {
  let next: WaitingRows | undefined;
  for (const [i, count] of [...rows.entries()].reverse()) {
    next = { rows: Math.abs(count), splittable: count < 0, submittedAt: submittedAt[i] ?? 0, next };
  }
  assert.ok(next !== undefined);
  return next;
}

const ones = (count: number): number[] => new Array<number>(count).fill(1);
const EAGER: ClosingRule = { maxRows: 8, preferredRows: [], delayMs: 0, joins: true };
const HOLDING: ClosingRule = { ...EAGER, delayMs: 10 };
const ALONE: ClosingRule = { ...EAGER, joins: false };
const PREFERRED: ClosingRule = { maxRows: 32, preferredRows: [4, 16], delayMs: 0, joins: true };
const PATIENT: ClosingRule = { ...PREFERRED, delayMs: 10 };

const send = (rows: number): object => ({ kind: 'send', rows });
const wait = (until: number): object => ({ kind: 'wait', until });

const TABLE: readonly [behaviour: string, ClosingRule, readonly number[], now: number, expected: object][] = [
  ['without delay or preferred sizes, whatever waits goes', EAGER, [1], 0, send(8)],
  ['where requests are not joined, one goes alone', ALONE, [3, 1], 0, send(3)],
  ['where requests are not joined, a large one goes in parts', ALONE, [-20, 1], 0, send(8)],
  ['a full batch goes at once', HOLDING, ones(8), 0, send(8)],
  ['a full batch of large requests goes at once', HOLDING, [5, 3], 0, send(8)],
  ['a batch that is not full waits for the delay of its oldest request', HOLDING, [1, 2], 3, wait(10)],
  ['the delay over, any size goes', HOLDING, [1, 2], 10, send(3)],
  ['a request that does not fit ends the waiting', HOLDING, [5, 4], 0, send(5)],
  ['a later request fills the room that a larger one left', HOLDING, [5, 4, 3], 0, send(8)],
  ['a request that may be split fills the batch', HOLDING, [5, -20], 0, send(8)],
  ['a preferred size goes before the delay is over', PATIENT, ones(4), 0, send(4)],
  ['between two preferred sizes the smaller one goes', PATIENT, ones(15), 0, send(4)],
  ['the largest preferred size that can be formed goes', PATIENT, ones(20), 0, send(16)],
  ['below the smallest preferred size it waits', PATIENT, ones(3), 0, wait(10)],
  [
    'server#8141: one above the largest preferred size, delay over: the preferred size',
    PATIENT,
    ones(17),
    99,
    send(16),
  ],
  ['server#8141: one above the smallest, delay over: the preferred size', PATIENT, ones(5), 99, send(4)],
  ['no preferred size can be formed and the delay is over: everything goes', PATIENT, [3, 3], 10, send(6)],
  ['no preferred size can be formed: it waits', PATIENT, [3, 3], 9, wait(10)],
  ['stepping over the largest preferred size, the batch ends before it', PATIENT, [15, 5], 0, send(15)],
  ['a request above the largest preferred size goes as it is', PATIENT, [20], 0, send(20)],
  ['without delay no preferred size is waited for', PREFERRED, ones(3), 0, send(3)],
  ['without delay a preferred size is kept', PREFERRED, ones(30), 0, send(16)],
  ['a request that may be split stops at a preferred size', PATIENT, [1, -100], 0, send(16)],
  [
    'preferred sizes count what was taken, not what was passed over',
    { ...PATIENT, maxRows: 16 },
    [10, 9, 6],
    0,
    send(16),
  ],
];

for (const [behaviour, rule, rows, now, expected] of TABLE) {
  test(`closing: ${behaviour}`, () => {
    assert.deepEqual(closeBatch(queue(rows), rule, now), expected);
  });
}

test('closing: the age of a batch is that of its oldest request, wherever priority has put it', () => {
  assert.deepEqual(closeBatch(queue([1, 1, 1], [7, 2, 5]), HOLDING, 11), wait(12));
  assert.deepEqual(closeBatch(queue([1, 1, 1], [7, 2, 5]), HOLDING, 12), send(3));
});

test('closing: only so many requests are passed over', () => {
  const tooLarge = new Array<number>(MAX_PASSED_OVER + 1).fill(8);
  assert.deepEqual(closeBatch(queue([1, ...tooLarge.slice(1), 7]), HOLDING, 0), send(8));
  assert.deepEqual(closeBatch(queue([1, ...tooLarge, 7]), HOLDING, 0), send(1));
});
