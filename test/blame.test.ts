import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BLAME, COUNTING } from '../src/blame.ts';

const page = readFileSync(new URL('../docs/resilience.md', import.meta.url), 'utf8');

test('the documented table of blame is the one in force', () => {
  const rows = [...page.matchAll(/^\| (\w+) +\|[^|]+\|([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)]
    .map(row => row.slice(1).map(cell => cell.trim()))
    .filter(([blame]) => blame !== 'blame');
  const inForce = Object.entries(COUNTING).map(([blame, { breaker, ejection, retry, canary }]) => [
    blame,
    breaker,
    ejection ? 'yes' : 'no',
    retry,
    canary,
  ]);
  assert.deepEqual(rows, inForce);
});

test('every kind of blame has an error that carries it', () => {
  assert.deepEqual(new Set(Object.values(BLAME)), new Set(Object.keys(COUNTING)));
});
