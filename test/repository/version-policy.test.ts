import assert from 'node:assert/strict';
import test from 'node:test';
import { parseModelConfig } from '../../src/config/model-config.ts';
import { keepRouting, wantedVersions } from '../../src/repository/version-policy.ts';

const config = (text: string) => parseModelConfig(text, 'c').config;

test('the policy chooses among the versions that exist', () => {
  const available = ['9', '10', '2', '1'];
  const table: [string, string[]][] = [
    ['versions: { latest: 1 }', ['10']],
    ['versions: { latest: 2 }', ['9', '10']],
    ['versions: { latest: 9 }', ['1', '2', '9', '10']],
    ['fallback: { version: 1 }', ['1', '10']],
    ['fallback: { version: 1, model: other }', ['10']],
    ['versions: all', ['1', '2', '9', '10']],
    ['versions: [1, 10, 77]', ['1', '10']],
    ['stable: 2', ['2', '10']],
    ['stable: 1\nlabels: { candidate: 9, old: 77 }', ['1', '9', '10']],
  ];
  for (const [text, wanted] of table) assert.deepEqual(wantedVersions(config(text), available), wanted, text);
});

test('stable and labels move only to versions that are ready', () => {
  const before = config('stable: 1\nlabels: { a: 1, b: 2 }');
  const next = config('stable: 3\nlabels: { a: 2, b: 3, c: 3 }');
  const kept = keepRouting(before, next, version => version !== '3');
  assert.equal(kept.config.stable, 1);
  assert.deepEqual(kept.config.labels, { a: 2, b: 2, c: 3 });
  assert.deepEqual(kept.refused, [
    'labels.b: version 3 is not ready',
    'labels.c: version 3 is not ready',
    'stable: version 3 is not ready',
  ]);
  assert.deepEqual(
    keepRouting(before, next, () => true),
    { config: next, refused: [] },
  );
});
