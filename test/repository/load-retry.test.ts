import assert from 'node:assert/strict';
import test from 'node:test';
import { retryDelayMs } from '../../src/repository/load-retry.ts';
import { FakeLoader, snapshotOf } from './fake-loader.ts';

test('the delay doubles up to half a minute, spread by half', () => {
  const cases: readonly [failures: number, random: number, ms: number][] = [
    [1, 0, 500],
    [1, 1, 1000],
    [2, 1, 2000],
    [5, 0.5, 12_000],
    [6, 1, 30_000],
    [400, 0, 15_000],
  ];
  for (const [failures, random, ms] of cases) assert.equal(retryDelayMs(failures, 1000, random), ms);
});

test('what is missing is tried again by itself until it is there, and the index says so once', async () => {
  const loader = new FakeLoader();
  const load = 'load a/1@p';
  loader.missing.add('a/1@p');
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'p' } } }));
  assert.equal(loader.catalog.index(false)[0]?.reason, 'a/1@p is missing');
  while (loader.log.filter(line => line === load).length < 3) await new Promise(setImmediate);
  loader.missing.clear();
  await loader.logged('a/1 READY');
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
  assert.deepEqual(
    loader.log.filter(line => line !== load),
    ['a/1 LOADING', 'a/1 UNAVAILABLE', 'a/1 READY'],
  );
});

test('what serves goes on meanwhile, and gives way when its successor is there', async () => {
  const loader = new FakeLoader();
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'old' } } }));
  loader.missing.add('a/1@new');
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'new' } } }));
  assert.deepEqual(loader.serving('a'), ['a/1@old']);
  loader.missing.clear();
  await loader.logged('closed a/1@old');
  assert.deepEqual(loader.serving('a'), ['a/1@new']);
  assert.equal(loader.log.filter(line => line.includes('refused')).length, 1);
});

for (const [what, end] of [
  ['was unloaded', (loader: FakeLoader) => loader.catalog.unload('a')],
  ['left the repository', (loader: FakeLoader) => loader.catalog.apply(snapshotOf({}))],
  ['is closed', (loader: FakeLoader) => loader.catalog.close()],
  [
    'is broken now',
    (loader: FakeLoader) => loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'q' } } })),
  ],
] as const) {
  test(`nothing is tried again once it ${what}`, async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const loader = new FakeLoader();
    loader.missing.add('a/1@p');
    loader.broken.add('a/1@q');
    await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'p' } } }));
    await end(loader);
    loader.log.length = 0;
    t.mock.timers.tick(60_000);
    await new Promise(setImmediate);
    assert.deepEqual(loader.log, []);
  });
}
