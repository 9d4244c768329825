import assert from 'node:assert/strict';
import test from 'node:test';
import { type Balance, nextMode } from '../../src/cache/break-even.ts';

/** A look takes 4 µs, keeping 6, the engine 20: it pays from 0.38 found on. */
const balance = (over: Partial<Balance>): Balance => ({
  found: 0,
  unitsPerRequest: 8,
  lookMs: 0.004,
  keepMs: 0.006,
  computeMs: 0.02,
  ...over,
});

test('everything is looked at as long as what that saves is more than what it costs', () => {
  assert.equal(nextMode('everything', balance({ found: 0.42 })), 'everything');
  assert.equal(nextMode('everything', balance({ found: 0.3 })), 'aside');
});

test('and again when it clearly is', () => {
  assert.equal(nextMode('aside', balance({ found: 0.42 })), 'aside');
  assert.equal(nextMode('aside', balance({ found: 0.7 })), 'everything');
});

test('what costs next to nothing beside a run is always done', () => {
  const slow = balance({ computeMs: 2 });
  assert.equal(nextMode('everything', slow), 'everything');
  assert.equal(nextMode('aside', slow), 'everything');
});

test('only a request of which everything is found saves the way to the workers', () => {
  const one = balance({ found: 0.5, unitsPerRequest: 1, computeMs: 0.005 });
  assert.equal(nextMode('everything', one), 'everything');
  assert.equal(nextMode('everything', { ...one, unitsPerRequest: 8 }), 'aside');
});
