import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { bench, request, tagged, valuesOf } from './requests.ts';

const OUT = new GatewayError('unavailable', 'out of service', { retryAfterMs: 700 });

test('while every worker is left out a request is refused at once', async () => {
  let outage: GatewayError | undefined = OUT;
  const { batcher, executor } = bench({ outage: () => outage });
  await assert.rejects(batcher.submit(request(tagged(1))).result, OUT);
  outage = undefined;
  const { result } = batcher.submit(request(tagged(2)));
  await executor.reached(1);
  executor.started[0]?.succeed();
  assert.deepEqual(valuesOf(await result), [2, 2]);
});

test('what waits when the last worker is left out is told at once; what runs is answered', async () => {
  const { batcher, executor } = bench();
  const running = batcher.submit(request(tagged(1))).result;
  await executor.reached(1);
  const waiting = [2, 3, 4].map(tag => batcher.submit(request(tagged(tag))).result);
  batcher.failQueued(OUT);
  for (const result of waiting) await assert.rejects(result, OUT);
  assert.deepEqual([batcher.queuedRows, executor.outstanding], [0, 0]);
  executor.started[0]?.succeed();
  assert.deepEqual(valuesOf(await running), [1, 1]);
  const after = batcher.submit(request(tagged(5))).result;
  await executor.reached(2);
  executor.started[1]?.succeed();
  assert.deepEqual(valuesOf(await after), [5, 5]);
});

test('what would run again while every worker is left out is told at once', async () => {
  let outage: GatewayError | undefined;
  const { batcher, executor } = bench({ outage: () => outage });
  const first = batcher.submit(request(tagged(0))).result;
  await executor.reached(1);
  const both = [1, 2].map(tag => batcher.submit(request(tagged(tag))).result);
  executor.started[0]?.succeed();
  await first;
  await executor.reached(2);
  outage = OUT;
  executor.started[1]?.fail(new GatewayError('model-failed', 'index out of range'));
  for (const result of both) await assert.rejects(result, OUT);
});
