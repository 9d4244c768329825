/** Requests whose callers change while they wait: what was asked for is run once, for whoever still wants it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { bench, request, tagged, turn, valuesOf } from './requests.ts';

test('a request that becomes more urgent goes before those that came before it', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 1 });
  const first = batcher.submit(request(tagged(0)));
  await executor.reached(1);
  const [usual, hurried] = [1, 2].map(tag => batcher.submit(request(tagged(tag), { priority: 3 })));
  hurried?.reschedule({ deadline: 1000, keepUntil: 1000, priority: 1 });
  for (let i = 0; i < 3; i++) {
    await executor.reached(i + 1);
    executor.started[i]?.succeed();
  }
  await Promise.all([first.result, usual?.result, hurried?.result]);
  assert.deepEqual(
    executor.started.map(({ execution }) => Buffer.concat(execution.inputs[0]?.parts ?? []).readInt32LE(0)),
    [0, 2, 1],
  );
});

test('it is kept until nobody wants it any more, though it was wanted sooner', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { batcher, executor } = bench({ maxBatchSize: 1, now: () => Date.now() });
  const first = batcher.submit(request(tagged(0), { deadline: 10_000 }));
  await executor.reached(1);
  const kept = batcher.submit(request(tagged(1), { deadline: 50 }));
  const left = batcher.submit(request(tagged(2), { deadline: 50 }));
  kept.reschedule({ deadline: 50, keepUntil: 500, priority: 1 });
  t.mock.timers.tick(60);
  await assert.rejects(left.result, { code: 'deadline' });
  executor.started[0]?.succeed();
  await executor.reached(2);
  executor.started[1]?.succeed();
  assert.deepEqual(valuesOf(await kept.result), [1, 1]);
  await first.result;
});

test('rescheduling what has settled does nothing', async () => {
  const { batcher, executor } = bench();
  const one = batcher.submit(request(tagged(0)));
  await executor.reached(1);
  executor.started[0]?.succeed();
  await one.result;
  one.reschedule({ deadline: 1, keepUntil: 1, priority: 1 });
  await turn();
  assert.equal(batcher.queuedRows, 0);
});
