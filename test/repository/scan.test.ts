import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { isModelName } from '../../src/repository/names.ts';
import { RepositoryScanner, scanRepository } from '../../src/repository/scan.ts';
import { onnxBytes } from './onnx-bytes.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const model = async (folder: TemporaryFolder, name: string) =>
  (await scanRepository(folder.root, { settleMs: 20 })).models.get(name);
const problemOf = async (folder: TemporaryFolder): Promise<string> => {
  const found = await model(folder, 'x');
  return found?.problem ?? found?.versions[0]?.problem ?? 'no model';
};

test('versions in folders, a file in a folder and a file alone are models', async t => {
  const folder = new TemporaryFolder(t);
  const bytes = onnxBytes('two');
  folder.write('folders/2/model.onnx', bytes);
  folder.write('folders/10/model.onnx', onnxBytes('ten'));
  folder.write('folders/notes/model.onnx', onnxBytes('not a version'));
  folder.write('inside/any-name.onnx', bytes);
  folder.write('alone.onnx', bytes);
  folder.write('README.md', 'not a model');
  folder.write('data/samples.bin', 'not a model either');
  const { models } = await scanRepository(folder.root);
  assert.deepEqual([...models.keys()], ['alone', 'folders', 'inside']);
  const versions = models.get('folders')?.versions ?? [];
  assert.deepEqual(
    versions.map(({ version }) => version),
    ['2', '10'],
  );
  assert.equal(versions[0]?.sha256, sha256(bytes));
  assert.equal(versions[0]?.bytes, bytes.length);
  assert.deepEqual(
    models.get('alone')?.versions.map(({ version }) => version),
    ['1'],
  );
  assert.deepEqual(
    models.get('inside')?.versions.map(({ version }) => version),
    ['1'],
  );
});

test("the configuration's lines are known by the folder's name, and config.yaml goes before config.pbtxt", async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  folder.write('x/config.pbtxt', 'max_batch_size: 4\noptimization { priority: PRIORITY_MAX }\n');
  const triton = await model(folder, 'x');
  assert.equal(triton?.config.maxBatchSize, 4);
  assert.equal(triton?.origins.get('maxBatchSize'), 'models/x/config.pbtxt:1');
  assert.deepEqual(triton?.unsupported, ['optimization.priority']);
  folder.write('x/config.yaml', '\nmaxBatchSize: 8\n');
  const ours = await model(folder, 'x');
  assert.equal(ours?.config.maxBatchSize, 8);
  assert.equal(ours?.origins.get('maxBatchSize'), 'models/x/config.yaml:2');
});

test('what is wrong with a model is a problem of that model alone', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  folder.write('y/1/model.onnx', onnxBytes('y'));
  for (const [text, problem] of [
    ['maxBatchSize: many\n', /^models\/x\/config.yaml:1: maxBatchSize: expected an integer/],
    ['', /the file is empty/],
    ['classLabels: { y: missing.txt }\n', /classLabels.y: expected a file in the model's folder/],
    ['classLabels: { y: ../y/config.yaml }\n', /classLabels.y: expected a file in the model's folder/],
  ] as const) {
    folder.write('x/config.yaml', text);
    const { models } = await scanRepository(folder.root);
    assert.match(models.get('x')?.problem ?? '', problem);
    assert.equal(models.get('y')?.problem, undefined);
  }
});

test('class labels are read from the file that the configuration names', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x'));
  folder.write('x/labels.txt', 'cat\r\ndog\n');
  folder.write('x/config.yaml', 'classLabels: { y: labels.txt, z: [a, b] }\n');
  const found = await model(folder, 'x');
  assert.deepEqual(
    [...(found?.classLabels ?? [])],
    [
      ['y', ['cat', 'dog']],
      ['z', ['a', 'b']],
    ],
  );
});

test('names that could lead elsewhere are not names', async t => {
  for (const name of [
    '..',
    '.',
    '',
    '.hidden',
    'a/b',
    'a\\b',
    'a%2e',
    'a\0',
    'ａ',
    'a b',
    'x'.repeat(129),
    '__proto__/',
  ]) {
    assert.equal(isModelName(name), false, JSON.stringify(name));
  }
  for (const name of ['a', '__proto__', 'constructor', 'PP-OCRv4_rec.2', 'x'.repeat(128)]) {
    assert.equal(isModelName(name), true, name);
  }
  const folder = new TemporaryFolder(t);
  folder.write('a b/1/model.onnx', onnxBytes('x'));
  folder.write('.hidden/1/model.onnx', onnxBytes('x'));
  folder.write('__proto__/1/model.onnx', onnxBytes('x'));
  const { models } = await scanRepository(folder.root);
  assert.deepEqual([...models.keys()], ['__proto__', 'a b']);
  assert.match(models.get('a b')?.problem ?? '', /expected a name of up to 128/);
});

test('links that leave the repository are refused, links inside it are followed', async t => {
  const folder = new TemporaryFolder(t);
  const outside = path.join(path.dirname(folder.root), 'outside');
  mkdirSync(path.join(outside, '1'), { recursive: true });
  writeFileSync(path.join(outside, '1/model.onnx'), onnxBytes('outside'));
  folder.write('real/1/model.onnx', onnxBytes('inside'));
  symlinkSync('real', path.join(folder.root, 'linked'));
  symlinkSync(outside, path.join(folder.root, 'escape'));
  mkdirSync(path.join(folder.root, 'half/1'), { recursive: true });
  symlinkSync(path.join(outside, '1/model.onnx'), path.join(folder.root, 'half/1/model.onnx'));
  const { models } = await scanRepository(folder.root);
  assert.equal(models.get('linked')?.versions[0]?.sha256, sha256(onnxBytes('inside')));
  assert.match(models.get('escape')?.problem ?? '', /inside the repository/);
  assert.match(models.get('half')?.versions[0]?.problem ?? '', /inside the repository/);
});

test('external data is hashed with the model', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('x', ['w/weights.data']));
  folder.write('x/1/w/weights.data', 'weights');
  const version = (await model(folder, 'x'))?.versions[0];
  assert.equal(version?.problem, '');
  assert.equal(version?.externalData[0]?.location, 'w/weights.data');
  assert.equal(version?.externalData[0]?.sha256, sha256(Buffer.from('weights')));
});

test('external data from anywhere else is refused', async t => {
  const outside = (folder: TemporaryFolder): string => {
    const file = path.join(path.dirname(folder.root), 'secret');
    writeFileSync(file, 'secret');
    return file;
  };
  const inVersion = (folder: TemporaryFolder, name: string): string => {
    mkdirSync(path.join(folder.root, 'x/1'), { recursive: true });
    return path.join(folder.root, 'x/1', name);
  };
  const table: [string, RegExp, (folder: TemporaryFolder) => void][] = [
    ['../../../secret', /without '\.\.'/, outside],
    ['a/../../secret', /without '\.\.'/, outside],
    ['/etc/passwd', /expected a relative path/, () => undefined],
    ['c:\\secret', /expected a relative path/, () => undefined],
    ['missing.data', /expected a file beside the model/, () => undefined],
    [
      'link',
      /expected a file beside the model/,
      folder => symlinkSync(outside(folder), inVersion(folder, 'link')),
    ],
    [
      'dir/secret',
      /expected a file beside the model/,
      folder => symlinkSync(path.dirname(outside(folder)), inVersion(folder, 'dir')),
    ],
    ['hard', /one hard link, found 2/, folder => linkSync(outside(folder), inVersion(folder, 'hard'))],
  ];
  for (const [location, problem, prepare] of table) {
    await t.test(location, async sub => {
      const folder = new TemporaryFolder(sub);
      prepare(folder);
      folder.write('x/1/model.onnx', onnxBytes('x', [location]));
      assert.match(await problemOf(folder), problem);
    });
  }
});

test('a truncated model is a problem, not a crash', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('some weights').subarray(0, 10));
  assert.match(await problemOf(folder), /ends too early/);
});

test('a file that is being written is not there yet, and what it held before stays', async (t: TestContext) => {
  const folder = new TemporaryFolder(t);
  const scanner = new RepositoryScanner(folder.root, { settleMs: 3_600_000 });
  const longAgo = Date.now() - 7_200_000;
  const settled = (name: string, content: string | Uint8Array): string =>
    folder.write(name, content, longAgo);
  const seen = async () => {
    const { snapshot, settled: all } = await scanner.look();
    return {
      all,
      version: snapshot.models.get('x')?.versions.map(({ sha256: hash }) => hash),
      batch: snapshot.models.get('x')?.config.maxBatchSize,
    };
  };
  folder.writeNow('x/1/model.onnx', onnxBytes('one').subarray(0, 12));
  assert.deepEqual(await seen(), { all: false, version: undefined, batch: undefined });
  settled('x/1/model.onnx', onnxBytes('one'));
  settled('x/config.yaml', 'maxBatchSize: 4\n');
  const one = { version: [sha256(onnxBytes('one'))], batch: 4 };
  assert.deepEqual(await seen(), { all: true, ...one });
  folder.writeNow('x/1/model.onnx', onnxBytes('another').subarray(0, 12));
  folder.writeNow('x/2/model.onnx', onnxBytes('two').subarray(0, 12));
  folder.writeNow('x/config.yaml', 'maxBatchSize:');
  assert.deepEqual(await seen(), { all: false, ...one });
  settled('x/1/model.onnx', onnxBytes('another'));
  settled('x/2/model.onnx', onnxBytes('two'));
  settled('x/config.yaml', 'maxBatchSize: 8\n');
  assert.deepEqual(await seen(), {
    all: true,
    version: [sha256(onnxBytes('another')), sha256(onnxBytes('two'))],
    batch: 8,
  });
});

test('a folder goes before a file of the same name, which is named as not honoured', async t => {
  const folder = new TemporaryFolder(t);
  folder.write('x/1/model.onnx', onnxBytes('folder'));
  folder.write('x.onnx', onnxBytes('file'));
  const found = await model(folder, 'x');
  assert.equal(found?.versions[0]?.sha256, sha256(onnxBytes('folder')));
  assert.deepEqual(found?.unsupported, ['x.onnx (the folder x holds this model)']);
});

test('a repository that is not there is an error, not an empty one', async () => {
  await assert.rejects(scanRepository('/nowhere/at/all'), { code: 'ENOENT' });
});
