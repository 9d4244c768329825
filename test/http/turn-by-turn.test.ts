import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TurnByTurn } from '../../src/http/turn-by-turn.ts';

test('a few jobs are done at once, the others in order, a few in each later turn', async () => {
  const jobs = new TurnByTurn(3);
  const done: number[] = [];
  for (let i = 0; i < 8; i++) jobs.add(() => done.push(i));
  assert.deepEqual([done, jobs.waiting], [[0, 1, 2], 5]);
  await turn();
  assert.deepEqual([done, jobs.waiting], [[0, 1, 2, 3, 4, 5], 2]);
  await turn();
  assert.deepEqual([done, jobs.waiting], [[0, 1, 2, 3, 4, 5, 6, 7], 0]);
  await turn();
  jobs.add(() => done.push(8));
  assert.equal(done.at(-1), 8);
});

test('one that comes while others wait waits behind them', async () => {
  const jobs = new TurnByTurn(1);
  const done: number[] = [];
  for (let i = 0; i < 3; i++) jobs.add(() => done.push(i));
  await turn();
  jobs.add(() => done.push(3));
  assert.deepEqual(done, [0, 1]);
  while (jobs.waiting > 0) await turn();
  await turn();
  assert.deepEqual(done, [0, 1, 2, 3]);
});
