import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BLAME, COUNTING } from '../src/blame.ts';
import type { ErrorCode } from '../src/errors.ts';
import { STATUS } from '../src/http/status.ts';

const page = readFileSync(new URL('../docs/resilience.md', import.meta.url), 'utf8');

test('the documented table of blame is the one in force', () => {
  const rows = [...page.matchAll(/^\| (\w+) +\|[^|]+\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)]
    .map(row => row.slice(1).map(cell => cell.trim()))
    .filter(([blame = '']) => blame in COUNTING);
  const inForce = Object.entries(COUNTING).map(([blame, { breaker, retry, canary }]) => [
    ...[blame, breaker, retry, canary],
  ]);
  assert.deepEqual(rows, inForce);
});

test('the documented table of outcomes is the one in force', () => {
  const rows = [...page.matchAll(/^\| `([\w-]+)` \| (\w+) \| (\d+)(?: or 503)? \|$/gm)].map(row =>
    row.slice(1),
  );
  const inForce = Object.entries(BLAME).map(([code, blame]) => [
    code,
    blame,
    String(STATUS[code as ErrorCode]),
  ]);
  assert.deepEqual(rows, inForce);
});

test('every kind of blame has an error that carries it', () => {
  assert.deepEqual(new Set(Object.values(BLAME)), new Set(Object.keys(COUNTING)));
});
