import assert from 'node:assert/strict';
import test from 'node:test';
import type { VersionState } from '../../src/events.ts';
import { chooseVersion, type RoutableModel } from '../../src/route/choose-version.ts';

const model = (
  versions: Record<string, VersionState>,
  more: { stable?: string; labels?: Record<string, string> } = {},
): RoutableModel => ({
  name: 'm',
  versions: new Map(Object.entries(versions).map(([version, state]) => [version, { state }])),
  stable: more.stable,
  labels: new Map(Object.entries(more.labels ?? {})),
});

const answered: [string, RoutableModel, string | undefined, string, string][] = [
  ['the highest ready version by default', model({ 9: 'READY', 10: 'READY' }), undefined, '10', 'stable'],
  [
    'the highest that is ready, not the highest',
    model({ 1: 'READY', 2: 'LOADING' }),
    undefined,
    '1',
    'stable',
  ],
  ['the named stable version', model({ 1: 'READY', 2: 'READY' }, { stable: '1' }), undefined, '1', 'stable'],
  ['a number', model({ 1: 'READY', 2: 'READY' }), '1', '1', 'pinned'],
  ['a label', model({ 1: 'READY' }, { labels: { old: '1' } }), 'old', '1', 'label'],
];
for (const [what, candidate, asked, version, route] of answered) {
  test(`chooses ${what}`, () => {
    assert.deepEqual(chooseVersion(candidate, asked), { version, route });
  });
}

const refused: [string, RoutableModel, string | undefined, string][] = [
  ['an unknown number', model({ 1: 'READY' }), '9', 'not-found'],
  ['an unknown label', model({ 1: 'READY' }), 'nope', 'not-found'],
  ['a property of every object', model({ 1: 'READY' }), '__proto__', 'not-found'],
  ['a version that is loading', model({ 1: 'LOADING' }), '1', 'unavailable'],
  ['a version that is on its way out', model({ 1: 'READY', 2: 'UNLOADING' }), '2', 'not-found'],
  ['a label whose version failed', model({ 1: 'UNAVAILABLE' }, { labels: { a: '1' } }), 'a', 'unavailable'],
  ['a label whose version is gone', model({ 1: 'READY' }, { labels: { a: '7' } }), 'a', 'not-found'],
  ['the default while everything loads', model({ 1: 'LOADING' }), undefined, 'unavailable'],
  ['the default when nothing is ready', model({ 1: 'UNAVAILABLE' }), undefined, 'not-found'],
  [
    'the default when the stable one is down',
    model({ 1: 'UNAVAILABLE', 2: 'READY' }, { stable: '1' }),
    undefined,
    'unavailable',
  ],
];
for (const [what, candidate, asked, code] of refused) {
  test(`refuses ${what} as ${code}`, () => {
    assert.throws(() => chooseVersion(candidate, asked), { code });
  });
}
