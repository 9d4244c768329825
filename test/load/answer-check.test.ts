import assert from 'node:assert/strict';
import test from 'node:test';
import { AnswerCheck } from '../../src/load/answer-check.ts';
import { Reply } from '../../src/load/reply.ts';
import { TimingSum } from '../../src/load/server-timing.ts';
import { differenceOf } from '../../src/pool/compare-outputs.ts';

function answer(data: readonly number[], name = 'y', shape = [1, data.length]): Reply {
  const body = { model_name: 'm', outputs: [{ name, datatype: 'FP32', shape, data }] };
  return new Reply(200, '', Buffer.from(JSON.stringify(body)));
}

function learned(): AnswerCheck {
  const check = new AnswerCheck(differenceOf);
  check.learn(answer([1, 2]));
  check.learn(answer([3, 4]));
  return check;
}

test('each answer is held against the first one to the same request, within what rounding allows', () => {
  const { check } = learned();
  check(answer([1, 2]), 0);
  check(answer([3, 4]), 1);
  check(answer([1.00001, 2]), 2);
  assert.throws(() => check(answer([1.1, 2]), 0), /output 'y': element 0 is 1\.00000 and 1\.10000/);
  assert.throws(() => check(answer([1, 2]), 1), /output 'y'/, "another request's answer is wrong");
});

test('outputs that come, go or change their shape are wrong', () => {
  const { check } = learned();
  assert.throws(() => check(answer([1, 2], 'z'), 0), /'y' has changed/);
  assert.throws(() => check(answer([1, 2], 'y', [2, 1]), 0), /'y' has changed/);
  assert.throws(() => check(new Reply(200, '', Buffer.from('{"outputs":[]}')), 0), /1 outputs before, 0 now/);
  assert.throws(() => check(new Reply(200, '', Buffer.from('nothing')), 0));
});

test('what is learned does not change with the buffer it was read from', () => {
  const check = new AnswerCheck(differenceOf);
  const reply = answer([5]);
  check.learn(reply);
  reply.body.fill(0);
  check.check(answer([5]), 0);
  assert.equal(check.largestBytes, reply.body.length);
});

test("the server's own timing is averaged; a batch counts as often as it ran", () => {
  const timing = new TimingSum();
  const see = (queue: number, batch: number, infer: number, status = 200) =>
    timing.see(
      new Reply(
        status,
        `\r\nserver-timing: queue;dur=${queue}, batch;desc="${batch}", infer;dur=${infer}, total;dur=9`,
        Buffer.alloc(0),
      ),
    );
  assert.equal(timing.mean(), undefined);
  timing.see(new Reply(200, '', Buffer.alloc(0)));
  assert.equal(timing.mean(), undefined);
  see(1, 1, 4);
  for (let i = 0; i < 3; i++) see(2, 3, 8);
  see(100, 100, 100, 503);
  // Four rows in two runs.
  const { batchRows = 0, ...means } = timing.mean() ?? {};
  assert.deepEqual(means, { answers: 4, queueMs: 1.75, inferMs: 7 });
  assert.ok(Math.abs(batchRows - 2) < 1e-9);
});
