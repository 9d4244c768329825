import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { parse } from 'yaml';
import { startHeadgate } from '../support/headgate.ts';
import { fixedBatch, identity, mlp, writeRepository } from '../support/onnx.ts';

const CONFIG = '# tuned by hand\nstable: 1   # the one\nmaxBatchSize: 3 # a guess\n';

let folder: string;
let repository: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-tune-'));
  repository = path.join(folder, 'models');
  await writeRepository(repository, {
    mlp: { versions: { 1: mlp([8, 16, 3]) }, config: CONFIG },
    plain: { versions: { 1: mlp([4, 2]) } },
    fixed: { versions: { 1: fixedBatch(4) } },
    free: {
      versions: { 1: identity({ shape: [-1, -1] }) },
      config: 'warmup: [{ inputs: { x: { shape: [6], fill: random } } }]\n',
    },
    broken: { versions: { 1: identity() }, config: 'maxBatchsize: 1\n' },
    triton: { versions: { 1: identity() } },
    gpu: { versions: { 1: identity() }, config: 'instances: [{ kind: webgpu }]\n' },
  });
  await writeFile(path.join(repository, 'triton', 'config.pbtxt'), 'platform: "onnxruntime_onnx"\n');
  await writeFile(path.join(repository, 'alone.onnx'), identity());
});
after(() => rm(folder, { recursive: true, force: true }));

function tune(...args: string[]) {
  const all = ['src/main.ts', 'tune', ...args, '--repository', repository, '--set', 'workers.cpuCores=2'];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

const configOf = (model: string): Promise<string> =>
  readFile(path.join(repository, model, 'config.yaml'), 'utf8');

test('tunes a model, shows table, plot and why, writes what it found, and serve accepts that', async t => {
  const plot = path.join(folder, 'mlp.svg');
  const { status, stdout, stderr } = tune('mlp', '--budget', '3s', '--slo', '500', '--write', '--plot', plot);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /mlp 1 on 2 cores: \d+ settings/);
  assert.match(stdout, /instances +threads +batch +rows\/s +p50 ms +p99 ms +of best/);
  assert.match(stdout, /1 +1 +1 .*%/);
  assert.match(stdout, / 100 % /);
  // Of the settings that carry as much as the best, within 3 %, the quickest wins.
  assert.match(stdout, / (9[7-9]|100) % +★/);
  assert.match(stdout, /p99 of a batch, ms/);
  assert.match(stdout, /Throughput: +(one|two) (one|two)-thread instances?, batches of \d+: [\d,]+ rows\/s/);
  assert.match(stdout, /Within 500 ms:/);
  assert.match(stdout, /- maxBatchSize: 3 # a guess\n\+ maxBatchSize: \d+ # a guess/);
  assert.match(stderr, /^ {2}0 % {2}loading mlp 1/);
  assert.match(await readFile(plot, 'utf8'), /^<svg/);

  const written = await configOf('mlp');
  assert.match(written, /^# tuned by hand\nstable: 1 {3}# the one\nmaxBatchSize: \d+ # a guess\n/);
  const { maxBatchSize, instances, sloMs } = parse(written);
  assert.deepEqual([sloMs, instances.length, instances[0].kind], [500, 1, 'cpu']);
  const headgate = await startHeadgate({ repository });
  t.after(() => headgate.stop());
  const config = await fetch(`${headgate.url}/v2/models/mlp/config`);
  assert.equal(((await config.json()) as { max_batch_size: number }).max_batch_size, maxBatchSize);
});

test('a model without a configuration gets one, a model without a batch axis no batch size', async () => {
  const plain = tune('plain', '--budget', '1s', '--write');
  assert.equal(plain.status, 0, plain.stderr);
  assert.deepEqual(Object.keys(parse(await configOf('plain'))).sort(), ['instances', 'maxBatchSize']);
  const fixed = tune('fixed', '--budget', '1s', '--write');
  assert.equal(fixed.status, 0, fixed.stderr);
  assert.match(fixed.stdout, /Row by row: .*first dimension is not free/);
  assert.doesNotMatch(fixed.stdout, /batches of|single rows/);
  assert.deepEqual(Object.keys(parse(await configOf('fixed'))), ['instances']);
});

test('without --write nothing is written and the way to apply it is told; a free size comes from the sample', async () => {
  const before = await configOf('free');
  const { status, stdout, stderr } = tune('free', '--budget', '1s');
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /For models\/free\/config\.yaml \(--write puts it there\):\n {2}instances: .*\n {2}maxBatchSize: \d+\n/,
  );
  assert.equal(await configOf('free'), before);
});

test('the figures come as JSON', () => {
  const { status, stdout } = tune('alone', '--budget', '1s', '--json');
  assert.equal(status, 0);
  const { model, version, cores, figures, winners } = JSON.parse(stdout);
  assert.deepEqual([model, version, cores, winners[0].sloMs ?? null], ['alone', '1', 2, null]);
  assert.ok(figures.length > 0);
  assert.deepEqual(Object.keys(figures[0]), [
    ...['instances', 'threads', 'batch', 'rowsPerSecond', 'p50Ms', 'p99Ms', 'windows'],
  ]);
});

const refusals: readonly [string, string[], number, RegExp][] = [
  ['no model', [], 2, /which model/],
  ['an unknown model', ['mpl'], 2, /no model 'mpl' in .*did you mean mlp\?/],
  ['an unknown version', ['mlp', '--version', '7'], 2, /no version 7 of mlp; there are 1/],
  ['a budget that is none', ['mlp', '--budget', 'soon'], 2, /--budget soon: expected a time/],
  ['an invalid configuration', ['broken'], 1, /broken cannot be tuned: .*maxBatchsize/],
  ['instances on a GPU', ['gpu'], 1, /gpu cannot be tuned: its instances are on a GPU/],
  [
    'writing beside a Triton configuration',
    ['triton', '--write'],
    1,
    /config\.pbtxt, which a config\.yaml would replace/,
  ],
  ['writing for a file without a folder', ['alone', '--write'], 1, /alone\.onnx .*move it to/],
];
for (const [what, args, code, message] of refusals) {
  test(`refused before anything is measured: ${what}`, () => {
    const { status, stdout, stderr } = tune(...args);
    assert.equal(status, code);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.equal(stdout, '');
  });
}
