import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { WriteBehind } from '../../src/cache/write-behind.ts';

test('writes come in a later turn, in order', async () => {
  const behind = new WriteBehind(1_000_000);
  const written: number[] = [];
  for (const value of [1, 2, 3]) behind.add(10, async () => written.push(value));
  assert.deepEqual(written, []);
  await setImmediate();
  await setImmediate();
  assert.deepEqual(written, [1, 2, 3]);
});

test('what does not fit is dropped until what is there was written, or failed', async () => {
  const behind = new WriteBehind(5000);
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const written: string[] = [];
  const add = (name: string, until: Promise<void>) =>
    behind.add(3000, () => {
      written.push(name);
      return until;
    });
  add('first', first.promise);
  add('too much', first.promise);
  await setImmediate();
  first.reject(new Error('not connected'));
  await setImmediate();
  add('second', second.promise);
  await setImmediate();
  assert.deepEqual(written, ['first', 'second']);
  second.resolve();
});

test('small values count with what they take besides their bytes', async () => {
  const behind = new WriteBehind(10 * 1024);
  let written = 0;
  for (let i = 0; i < 100; i++) behind.add(4, async () => written++);
  await setImmediate();
  await setImmediate();
  assert.equal(written, 9);
});
