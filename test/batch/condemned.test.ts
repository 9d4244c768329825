import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Condemned } from '../../src/batch/condemned.ts';

const TEN_MINUTES = 600_000;

test('a condemned input is refused for ten minutes, and then nothing need be hashed any more', () => {
  const condemned = new Condemned();
  assert.equal(condemned.knowsAny(0), false);
  condemned.add('a', 0);
  assert.match(condemned.refusal('a', 1000)?.message ?? '', /refused for 599 s/);
  assert.equal(condemned.refusal('b', 1000), undefined);
  assert.equal(condemned.knowsAny(TEN_MINUTES - 1), true);
  assert.equal(condemned.knowsAny(TEN_MINUTES), false);
  assert.equal(condemned.refusal('a', TEN_MINUTES), undefined);
});

test('of suspects one is tried at a time, the others run as usual meanwhile, until a verdict', () => {
  const condemned = new Condemned();
  condemned.suspect('a', 0);
  assert.deepEqual(
    [0, 1, 4999, 5000].map(now => condemned.tries('a', now)),
    [true, false, false, true],
  );
  assert.equal(condemned.tries('b', 0), false);
  condemned.acquit('a');
  assert.deepEqual([condemned.tries('a', 20_000), condemned.hasSuspects(20_000)], [false, false]);
  condemned.add('a', 0);
  condemned.suspect('a', 1);
  assert.equal(condemned.tries('a', 2), false, 'it is refused anyway');
});

test('no more than 1,024 of each are remembered, the oldest is forgotten first', () => {
  const condemned = new Condemned();
  for (let i = 0; i <= 1024; i++) condemned.suspect(String(i), i);
  assert.deepEqual([condemned.tries('0', 2000), condemned.tries('1', 2000)], [false, true]);
});
