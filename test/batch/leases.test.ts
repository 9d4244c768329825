import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Lease } from '../../src/inference.ts';
import { identity } from './fake-executor.ts';
import { bench, request, tagged, turn, valuesOf } from './requests.ts';

class Counted implements Lease {
  holders = 1;

  hold(): void {
    assert.ok(this.holders > 0, 'held after it was let go');
    this.holders++;
  }

  release(): void {
    assert.ok(this.holders > 0, 'let go twice');
    this.holders--;
  }
}

test('a batch’s memory is held once for each caller who is answered, and by nobody else', async () => {
  const { batcher, executor } = bench();
  const blocking = batcher.submit(request(tagged(0)));
  await executor.reached(1);
  const submissions = [1, 2, 3].map(tag => batcher.submit(request(tagged(tag))));
  executor.started[0]?.succeed();
  await blocking.result;
  await executor.reached(2);
  const [first, second, third] = submissions;
  const left = assert.rejects(second?.result as Promise<unknown>);
  second?.cancel(new GatewayError('cancelled', 'gone'));
  await left;
  const lease = new Counted();
  const batch = executor.started[1];
  assert.ok(batch !== undefined);
  batch.succeed({ ...identity(batch.execution), lease });
  const results = [await first?.result, await third?.result];
  await turn();
  assert.equal(lease.holders, 2);
  for (const result of results) result?.lease?.release();
  assert.equal(lease.holders, 0);
});

test('a batch that nobody waits for any more lets its memory go', async () => {
  const { batcher, executor } = bench();
  const submission = batcher.submit(request(tagged(1)));
  await executor.reached(1);
  const left = assert.rejects(submission.result);
  submission.cancel(new GatewayError('cancelled', 'gone'));
  await left;
  const lease = new Counted();
  const batch = executor.started[0];
  assert.ok(batch !== undefined);
  batch.succeed({ ...identity(batch.execution), lease });
  await turn();
  assert.equal(lease.holders, 0);
});

test('the parts of a split request are held until they are joined, and its answer is its own', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 2 });
  const { result } = batcher.submit(request(tagged(7, 5)));
  const leases: Counted[] = [];
  for (let part = 1; part <= 3; part++) {
    await executor.reached(part);
    const batch = executor.started[part - 1];
    assert.ok(batch !== undefined);
    const lease = new Counted();
    leases.push(lease);
    batch.succeed({ ...identity(batch.execution), lease });
    await turn();
    if (part < 3) assert.ok(leases.every(({ holders }) => holders === 1));
  }
  const answer = await result;
  await turn();
  assert.deepEqual(valuesOf(answer), new Array(10).fill(7));
  assert.equal(answer.lease, undefined);
  assert.deepEqual(
    leases.map(({ holders }) => holders),
    [0, 0, 0],
  );
});
