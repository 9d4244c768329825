/** The fault suite's short form: nothing lost and nothing wrong. How much is refused, and how fast, its long form says. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { noOutcomes } from '../../src/load/outcome.ts';
import type { Reply } from '../../src/load/reply.ts';
import { accountOf } from './account.ts';
import { chaos } from './chaos.ts';
import { chaosRows } from './figures.ts';
import { FAULTS } from './injections.ts';
import { poison } from './poison.ts';
import { rowsFor, startSubject } from './subject.ts';
import { recoveredAfterMs } from './timeline.ts';

test('while workers are killed, crash, hang and stop, no request is lost and no answer is wrong', {
  timeout: 170_000,
}, async () => {
  await using subject = await startSubject();
  const { target, bystander, injected, hung } = await chaos(subject, {
    seconds: 30,
    everySeconds: 6,
    // The machine may have other work: a load that it carries in any case.
    share: 0.15,
    seed: 7,
    progress: () => undefined,
  });
  assert.deepEqual(
    injected.map(({ fault }) => fault),
    [...FAULTS],
  );
  assert.ok(injected.every(({ inFlight }) => inFlight > 0));
  assert.ok(hung.length === 1 && hung.every(({ status }) => status >= 500), JSON.stringify(hung));
  assert.deepEqual([target.lost, target.wrong], [0, 0], JSON.stringify(target));
  assert.deepEqual([bystander.lost, bystander.wrong], [0, 0], JSON.stringify(bystander));
  assert.ok(target.correct > target.requests / 2);
  const poisoned = await poison(subject, 5000, 0.02);
  assert.ok(poisoned.good >= 5000 && poisoned.poisoned > 50);
  assert.deepEqual([poisoned.goodFailed, poisoned.poisonedOtherwise], [0, 0]);
});

test('control: an answer that is another request’s is found wrong', () => {
  const { check } = rowsFor('target');
  const reply = (row: number): Reply => {
    const values = Array.from({ length: 64 }, (_, at) => row * 64 + at);
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [1, 64], data: values }];
    return {
      status: 200,
      body: Buffer.from(JSON.stringify({ outputs })),
      header: () => undefined,
    } as unknown as Reply;
  };
  check(reply(5), 5);
  assert.throws(() => check(reply(6), 5), /request 5 was answered/);
});

test('control: requests without an answer are lost, whatever became of their connection', () => {
  const outcomes = {
    ...noOutcomes(),
    ok: 5,
    '429': 1,
    '503': 2,
    '504': 3,
    other: 4,
    wrong: 6,
    lost: 7,
    unconnected: 8,
    timeout: 9,
  };
  const { correct, refused, failed, lost, wrong } = accountOf({ requests: 45, outcomes, firsts: {} });
  assert.deepEqual([correct, refused, failed, lost, wrong], [5, 6, 4, 24, 6]);
});

test('control: a gateway that never does its full work again is seen, answers that are late, a fault that met nothing in flight', () => {
  const usual = 100;
  const answered = Uint32Array.from({ length: 60 }, (_, i) => (i < 10 || i >= 30 ? usual : 0));
  assert.equal(recoveredAfterMs(answered, 1000, usual), 2000);
  assert.equal(
    recoveredAfterMs(
      answered.map((count, i) => (i < 10 ? count : 90)),
      1000,
      usual,
    ),
    Infinity,
  );
  const account = { requests: 10, correct: 10, refused: 0, failed: 0, lost: 0, wrong: 0, firsts: {} };
  const injected = [{ fault: 'kill', atMs: 0, diedMs: 0, inFlight: 0, pid: 1 }];
  const rows = chaosRows({
    ratePerSecond: 1,
    loadingMs: 0,
    target: account,
    late: 3,
    bystander: account,
    injected,
    hung: [
      { status: 504, ms: 2000 },
      { status: 200, ms: 1 },
    ],
    recoveredMs: [0],
    refusedAfter: [0],
    otherRefusedAfter: [0],
    answeredAfter: [[]],
  });
  assert.deepEqual(
    rows.filter(({ kept }) => !kept).map(({ figure }) => figure),
    [
      'faults injected, each with batches in flight',
      'S1 answered or refused after the deadline',
      'R4 callers that hung and were told nothing in time',
    ],
  );
});
