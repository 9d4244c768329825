import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeLoader, snapshotOf } from './fake-loader.ts';

const state = (loader: FakeLoader, model: string, version: string) =>
  loader.catalog.index(false).find(entry => entry.name === model && entry.version === version);

test('the wanted versions of every model are loaded', async () => {
  const loader = new FakeLoader();
  await loader.catalog.apply(
    snapshotOf({
      a: { versions: { 1: 'p', 2: 'q' } },
      b: { config: 'versions: all', versions: { 1: 'r', 2: 's' } },
    }),
  );
  assert.deepEqual(loader.serving('a'), ['a/2@q']);
  assert.deepEqual(loader.serving('b'), ['b/1@r', 'b/2@s']);
  assert.deepEqual(
    loader.catalog.index(true).map(({ name, version }) => `${name}/${version}`),
    ['a/2', 'b/1', 'b/2'],
  );
  assert.deepEqual(
    loader.catalog.list().map(({ name }) => name),
    ['a', 'b'],
  );
});

test('new content is loaded, takes over, and only then the old is closed', async () => {
  const loader = new FakeLoader();
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'old' } } }));
  loader.log.length = 0;
  loader.hold('load a/1@new');
  loader.hold('close a/1@old');
  const applied = loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'new' } } }));
  await loader.logged('load a/1@new');
  assert.deepEqual(loader.serving('a'), ['a/1@old']);
  loader.release('load a/1@new');
  await loader.logged('close a/1@old');
  assert.deepEqual(loader.serving('a'), ['a/1@new']);
  loader.release('close a/1@old');
  await applied;
  assert.deepEqual(loader.log, ['load a/1@new', 'a/1 READY', 'close a/1@old', 'closed a/1@old']);
});

test('a setting that a loaded version depends on loads it anew, another only takes effect', async () => {
  const loader = new FakeLoader();
  const apply = (config: string) => loader.catalog.apply(snapshotOf({ a: { config, versions: { 1: 'p' } } }));
  await apply('');
  loader.log.length = 0;
  const before = loader.catalog.get('a');
  await apply('timeoutMs: 5\nlabels: { live: 1 }');
  assert.deepEqual(loader.log, []);
  assert.notEqual(loader.catalog.get('a'), before);
  assert.equal(loader.catalog.get('a')?.config.timeoutMs, 5);
  await apply('maxBatchSize: 4');
  assert.deepEqual(loader.log, ['load a/1@p', 'a/1 READY', 'close a/1@p', 'closed a/1@p']);
});

test('a failed reload leaves the old one serving, says so once, and is not tried again until something changes', async () => {
  const loader = new FakeLoader();
  const apply = (content: string) => loader.catalog.apply(snapshotOf({ a: { versions: { 1: content } } }));
  await apply('good');
  loader.log.length = 0;
  loader.broken.add('a/1@bad');
  await apply('bad');
  await apply('bad');
  assert.deepEqual(loader.log, ['load a/1@bad', 'a/1 refused: a/1@bad is broken']);
  assert.deepEqual(loader.serving('a'), ['a/1@good']);
  assert.deepEqual(state(loader, 'a', '1'), {
    name: 'a',
    version: '1',
    state: 'READY',
    reason: 'a/1@bad is broken',
  });
  await apply('good');
  assert.equal(state(loader, 'a', '1')?.reason, '');
  await apply('better');
  assert.deepEqual(loader.serving('a'), ['a/1@better']);
});

test('a new version that cannot be loaded leaves the older one serving', async () => {
  const loader = new FakeLoader();
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'p' } } }));
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'p', 2: 'truncated' } } }));
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
  assert.deepEqual(state(loader, 'a', '2')?.reason, 'the file ends too early');
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'p', 2: 'whole' } } }));
  assert.deepEqual(loader.serving('a'), ['a/2@whole']);
});

test('stable does not move to a version that is not ready', async () => {
  const loader = new FakeLoader();
  const apply = (config: string) =>
    loader.catalog.apply(snapshotOf({ a: { config, versions: { 1: 'p', 2: 'q' } } }));
  await apply('stable: 1\nversions: [1]');
  loader.broken.add('a/2@q');
  await apply('stable: 2\nversions: [2]');
  assert.equal(loader.catalog.get('a')?.config.stable, 1);
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
  assert.equal(loader.catalog.get('a')?.problem, 'stable: version 2 is not ready');
  loader.broken.clear();
  await loader.catalog.load('a');
  assert.equal(loader.catalog.get('a')?.config.stable, 2);
  assert.deepEqual(loader.serving('a'), ['a/2@q']);
});

test('a refused configuration, a hundred times, changes nothing and is told once each', async () => {
  const loader = new FakeLoader();
  const versions = { 1: 'p' };
  await loader.catalog.apply(snapshotOf({ a: { config: 'timeoutMs: 7', versions } }));
  loader.log.length = 0;
  for (let i = 0; i < 100; i++) {
    const problem = `config.yaml:${i >> 1}: bad`;
    await loader.catalog.apply(snapshotOf({ a: { versions, problem } }));
    assert.equal(loader.catalog.get('a')?.config.timeoutMs, 7);
    assert.deepEqual(loader.serving('a'), ['a/1@p']);
  }
  assert.equal(loader.log.length, 50);
  assert.equal(state(loader, 'a', '1')?.reason, 'config.yaml:49: bad');
});

test('a model that never had a good configuration is in the index with its reason', async () => {
  const loader = new FakeLoader();
  await loader.catalog.apply(
    snapshotOf({ a: { versions: {}, problem: 'bad' }, b: { versions: { 1: 'p' } } }),
  );
  assert.deepEqual(state(loader, 'a', ''), { name: 'a', version: '', state: 'UNAVAILABLE', reason: 'bad' });
  assert.deepEqual(loader.serving('b'), ['b/1@p']);
});

test('what is removed is not found at once, and leaves when its requests have finished', async () => {
  const loader = new FakeLoader();
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'p' } } }));
  loader.hold('close a/1@p');
  const applied = loader.catalog.apply(snapshotOf({}));
  assert.equal(loader.catalog.get('a'), undefined);
  await loader.logged('close a/1@p');
  assert.equal(state(loader, 'a', '1')?.state, 'UNLOADING');
  loader.release('close a/1@p');
  await applied;
  assert.deepEqual(loader.catalog.index(false), []);
});

test('a change that arrives during a load is applied after it', async () => {
  const loader = new FakeLoader();
  loader.hold('load a/1@one');
  const first = loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'one' } } }));
  await loader.logged('load a/1@one');
  const second = loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'two' } } }));
  const third = loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'three' } } }));
  assert.equal(state(loader, 'a', '1')?.state, 'LOADING');
  loader.release('load a/1@one');
  await Promise.all([first, second, third]);
  assert.deepEqual(
    loader.log.filter(line => line.startsWith('load') || line.startsWith('closed')),
    ['load a/1@one', 'load a/1@three', 'closed a/1@one'],
  );
  assert.deepEqual(loader.serving('a'), ['a/1@three']);
});

test('models load next to each other, no more at once than allowed', async () => {
  const loader = new FakeLoader(3);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const name of names) loader.hold(`load ${name}/1@p`);
  const applied = loader.catalog.apply(
    snapshotOf(Object.fromEntries(names.map(name => [name, { versions: { 1: 'p' } }]))),
  );
  await loader.logged('load c/1@p');
  assert.equal(loader.loading, 3);
  for (const name of names) loader.release(`load ${name}/1@p`);
  await applied;
  assert.equal(loader.mostLoading, 3);
  assert.equal(loader.catalog.index(true).length, 6);
});

test('a model that loads slowly holds up no other', async () => {
  const loader = new FakeLoader();
  loader.hold('load slow/1@p');
  void loader.catalog.apply(snapshotOf({ slow: { versions: { 1: 'p' } }, quick: { versions: { 1: 'p' } } }));
  await loader.logged('quick/1 READY');
  const applied = loader.catalog.apply(
    snapshotOf({ slow: { versions: { 1: 'p' } }, quick: { versions: { 1: 'q' } } }),
  );
  await loader.logged('closed quick/1@p');
  assert.deepEqual(loader.serving('quick'), ['quick/1@q']);
  loader.release('load slow/1@p');
  await applied;
});

test('an unloaded model stays unloaded until load is called', async () => {
  const loader = new FakeLoader();
  const models = snapshotOf({ a: { versions: { 1: 'p' } } });
  await loader.catalog.apply(models);
  await loader.catalog.unload('a');
  await loader.catalog.apply(models);
  assert.deepEqual(loader.serving('a'), []);
  assert.deepEqual(state(loader, 'a', '1'), {
    name: 'a',
    version: '1',
    state: 'UNAVAILABLE',
    reason: 'unloaded',
  });
  await loader.catalog.load('a');
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
  assert.equal(loader.log.filter(line => line === 'closed a/1@p').length, 1);
});

test('load tries again what had failed, and says why when it fails again', async () => {
  const loader = new FakeLoader();
  loader.broken.add('a/1@p');
  await loader.catalog.apply(snapshotOf({ a: { versions: { 1: 'p' } } }));
  await assert.rejects(loader.catalog.load('a'), {
    code: 'unavailable',
    message: "model 'a' version 1: a/1@p is broken",
  });
  loader.broken.clear();
  await loader.catalog.load('a');
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
});

test('load takes a configuration that holds until the next load, and refuses a bad one by its key', async () => {
  const loader = new FakeLoader();
  const models = snapshotOf({ a: { config: 'timeoutMs: 7', versions: { 1: 'p', 2: 'q' } } });
  await loader.catalog.apply(models);
  await loader.catalog.load('a', '{"version_policy":{"all":{}},"max_batch_size":2}');
  await loader.catalog.apply(models);
  assert.deepEqual(loader.serving('a'), ['a/1@p', 'a/2@q']);
  assert.equal(loader.catalog.get('a')?.config.maxBatchSize, 2);
  await assert.rejects(loader.catalog.load('a', '{"stable":"x"}'), {
    code: 'invalid',
    message: /'config': .*stable: expected/,
  });
  await loader.catalog.load('a');
  assert.equal(loader.catalog.get('a')?.config.timeoutMs, 7);
  assert.deepEqual(loader.serving('a'), ['a/2@q']);
});

test('what was said of a model by hand ends with the model: one that comes under its name later is another', async () => {
  const loader = new FakeLoader();
  const models = snapshotOf({ a: { versions: { 1: 'p' } }, b: { versions: { 1: 'p' } } });
  await loader.catalog.apply(models);
  await loader.catalog.unload('a');
  await loader.catalog.load('b', '{"timeoutMs": 9}');
  await loader.catalog.apply(snapshotOf({}));
  await loader.catalog.apply(models);
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
  assert.equal(loader.catalog.get('b')?.config.timeoutMs, 1000);
});

test('load and unload of what is not there are not found; load looks for itself', async () => {
  let now = snapshotOf({});
  const loader = new FakeLoader(2, async () => now);
  for (const name of ['a', '../etc', '__proto__', 'constructor']) {
    await assert.rejects(loader.catalog.load(name), { code: 'not-found' });
    await assert.rejects(loader.catalog.unload(name), { code: 'not-found' });
  }
  now = snapshotOf({ a: { versions: { 1: 'p' } } });
  await loader.catalog.load('a');
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
});

test('close waits for loads and closes every version exactly once', async () => {
  const loader = new FakeLoader();
  loader.hold('load a/1@p');
  const applied = loader.catalog.apply(
    snapshotOf({ a: { versions: { 1: 'p' } }, b: { versions: { 1: 'p' } } }),
  );
  await loader.logged('b/1 READY');
  const closed = loader.catalog.close();
  loader.release('load a/1@p');
  await Promise.all([applied, closed]);
  assert.deepEqual(loader.log.filter(line => line.startsWith('closed')).sort(), [
    'closed a/1@p',
    'closed b/1@p',
  ]);
  await loader.catalog.apply(snapshotOf({ c: { versions: { 1: 'p' } } }));
  assert.equal(loader.catalog.get('c'), undefined);
});

test('what a configuration says and Headgate does not do is told once', async () => {
  const loader = new FakeLoader();
  const snapshot = snapshotOf({
    a: { versions: { 1: 'p' }, unsupported: ['optimization.cuda', 'metric_tags'] },
  });
  await loader.catalog.apply(snapshot);
  await loader.catalog.apply(snapshot);
  assert.equal(loader.log.filter(line => line === 'a ignored: optimization.cuda, metric_tags').length, 1);
  assert.deepEqual(loader.serving('a'), ['a/1@p']);
});
