import assert from 'node:assert/strict';
import { renameSync, symlinkSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import type { RepositorySnapshot } from '../../src/repository/repository-snapshot.ts';
import { pauseAfterLook, type WatchOptions, watchRepository } from '../../src/repository/watch.ts';
import { onnxBytes } from './onnx-bytes.ts';
import { TemporaryFolder } from './temporary-folder.ts';

/** A watched repository whose snapshots can be waited for. */
function watched(t: TestContext, root: string, options: WatchOptions = {}) {
  const snapshots: RepositorySnapshot[] = [];
  let told = Promise.withResolvers<void>();
  const onSnapshot = (snapshot: RepositorySnapshot): void => {
    snapshots.push(snapshot);
    told.resolve();
    told = Promise.withResolvers();
  };
  const watch = watchRepository(root, onSnapshot, { settleMs: 20, debounceMs: 1, pollMs: 20, ...options });
  t.after(() => watch.close());
  const until = async (matches: (snapshot: RepositorySnapshot) => boolean): Promise<void> => {
    while (!snapshots.some(matches)) await told.promise;
  };
  return { watch, snapshots, until };
}
const batchSize = (size: number | undefined) => (snapshot: RepositorySnapshot) =>
  snapshot.models.get('x')?.config.maxBatchSize === size;

test('the first snapshot is told, then only changes that matter', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  const { watch, snapshots } = watched(t, folder.root, { pollMs: 1_000_000, debounceMs: 1_000_000 });
  await watch.first;
  assert.equal(snapshots.length, 1);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  folder.write('x/README.md', 'about x');
  await watch.rescan();
  assert.equal(snapshots.length, 1);
  folder.write('x/1/model.onnx', onnxBytes('y'));
  const snapshot = await watch.rescan();
  assert.equal(snapshots.length, 2);
  assert.equal(snapshot, snapshots[1]);
});

test('new versions, new models and changed configurations are seen without being told of', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  const { watch, until } = watched(t, folder.root);
  await watch.first;
  folder.write('x/2/model.onnx', onnxBytes('x2'));
  await until(({ models }) => models.get('x')?.versions.length === 2);
  folder.write('y.onnx', onnxBytes('y'));
  await until(({ models }) => models.has('y'));
  folder.write('x/config.yaml', 'maxBatchSize: 3\n');
  await until(batchSize(3));
  folder.remove('y.onnx');
  await until(({ models }) => models.size === 1);
});

test('the file system tells of changes long before the next poll', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  const { watch, until } = watched(t, folder.root, { pollMs: 1_000_000 });
  await watch.first;
  folder.write('x/config.yaml', 'maxBatchSize: 3\n');
  await until(batchSize(3));
});

test("a ConfigMap's symlink swap is seen", async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  folder.write('x/..one/config.yaml', 'maxBatchSize: 1\n');
  folder.write('x/..two/config.yaml', 'maxBatchSize: 2\n');
  const link = path.join(folder.root, 'x/..data');
  symlinkSync('..one', link);
  symlinkSync('..data/config.yaml', path.join(folder.root, 'x/config.yaml'));
  const { watch, until } = watched(t, folder.root);
  await watch.first;
  await until(batchSize(1));
  symlinkSync('..two', `${link}_tmp`);
  renameSync(`${link}_tmp`, link);
  await until(batchSize(2));
});

test('a repository that cannot be read is told once, and keeps what was there', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  const link = path.join(path.dirname(folder.root), 'link');
  symlinkSync(folder.root, link);
  const errors: Error[] = [];
  const { watch, snapshots } = watched(t, link, { pollMs: 1_000_000, onError: error => errors.push(error) });
  await watch.first;
  unlinkSync(link);
  await assert.rejects(watch.rescan());
  await assert.rejects(watch.rescan());
  assert.equal(errors.length, 1);
  symlinkSync(folder.root, link);
  await watch.rescan();
  assert.equal(snapshots.length, 1);
});

test('a hundred bad and truncated configurations give no snapshot with other settings in force', async t => {
  const folder = new TemporaryFolder(t);
  const good = '{ "maxBatchSize": 4, "timeoutMs": 900 }';
  folder.write('x/1/model.onnx', onnxBytes('x'));
  folder.write('x/config.yaml', good);
  const { watch, snapshots } = watched(t, folder.root, { pollMs: 1_000_000, debounceMs: 1_000_000 });
  await watch.first;
  for (let i = 0; i < 100; i++) {
    const text = i % 3 === 0 ? good.slice(0, i % good.length) : `${good.slice(0, -2)}, "key${i}": 1 }`;
    if (i % 2 === 0) folder.write('x/config.yaml', text);
    else renameSync(folder.write('x/new.yaml', text), path.join(folder.root, 'x/config.yaml'));
    const { models } = await watch.rescan();
    assert.ok(models.get('x')?.problem, text);
  }
  folder.write('x/config.yaml', good);
  const { models } = await watch.rescan();
  assert.equal(models.get('x')?.problem, undefined);
  assert.ok(
    snapshots.every(
      ({ models: all }) => all.get('x')?.problem !== undefined || batchSize(4)({ models: all }),
    ),
  );
});

test('a repository that takes long to look at is looked at less often, but at least every 30 s', () => {
  const table: readonly [lookMs: number, pollMs: number, pauseMs: number][] = [
    [4, 2000, 2000],
    [40, 2000, 2000],
    [100, 2000, 5000],
    [10_000, 2000, 30_000],
    [10_000, 60_000, 60_000],
  ];
  for (const [lookMs, pollMs, pauseMs] of table) assert.equal(pauseAfterLook(lookMs, pollMs), pauseMs);
});
