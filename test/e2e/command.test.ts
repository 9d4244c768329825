import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { startHeadgate } from '../support/headgate.ts';
import { identity, writeRepository } from '../support/onnx.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-command-'));
  await writeRepository(path.join(folder, 'models'), {
    identity: { versions: { 1: identity(), 2: identity() }, config: 'stable: 1\nlabels: { next: 2 }\n' },
    broken: { versions: {}, config: 'maxBatchsize: 1\n' },
  });
});
after(() => rm(folder, { recursive: true, force: true }));

function headgate(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/main.ts', ...args], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

for (const command of ['serve', 'worker', 'models']) {
  test(`headgate ${command} --help tells its options and exits 0`, () => {
    const { status, stdout } = headgate(command, '--help');
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`Usage: headgate ${command}`));
    assert.match(stdout, /http\.port .*\[8000\]/);
  });
}

const misuses: [string, string[], RegExp][] = [
  ['no command', [], /^$/],
  ['an unknown command', ['sevre'], /no command 'sevre'/],
  ['an unknown flag', ['serve', '--prot', '1'], /--prot/],
  ['a stray word', ['models', 'digits'], /digits/],
  ['a setting without a value', ['serve', '--set', 'http.port'], /--set http\.port: expected/],
];
for (const [what, args, message] of misuses) {
  test(`${what} is bad usage: exit code 2`, () => {
    const { status, stderr } = headgate(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
}

test('a configuration that cannot hold is refused with file, line, key and what was expected: exit code 1', async () => {
  const file = path.join(folder, 'bad.yaml');
  await writeFile(file, 'repository: ./models\nhttp: { port: high }\nadmn: {}\n');
  const { status, stderr } = headgate('serve', '--config', file);
  assert.equal(status, 1);
  assert.match(stderr, /bad\.yaml:2: http\.port: expected an integer from 0 to 65535/);
  assert.match(stderr, /bad\.yaml:3: admn: .*admin/);
});

test('an admin plane that others could reach demands a token', () => {
  const { status, stderr } = headgate('serve', '--set', 'admin.host=0.0.0.0');
  assert.equal(status, 1);
  assert.match(stderr, /admin\.token/);
});

test('headgate models lists what a running gateway has loaded, with the origin of each setting', async () => {
  await using running = await startHeadgate({ repository: path.join(folder, 'models') });
  const { status, stdout } = headgate(
    'models',
    '--verbose',
    '--set',
    `admin.port=${new URL(running.adminUrl).port}`,
  );
  assert.equal(status, 0);
  assert.match(stdout, /identity +1 +READY +256 +\d+ +[\d.]+ MiB +stable/);
  assert.match(stdout, /identity +2 +READY +256 +\d+ +[\d.]+ MiB +next/);
  assert.match(stdout, /identity +stable +1 +\S*config\.yaml:1/);
  assert.match(stdout, /identity +timeoutMs +1000 +default/);
});

test('headgate models lists the folder when no gateway runs', () => {
  const { status, stdout } = headgate(
    'models',
    ...['--set', 'admin.port=1', '--set', `repository=${path.join(folder, 'models')}`],
  );
  assert.equal(status, 0);
  assert.match(stdout, /No gateway answers/);
  assert.match(stdout, /identity +2 +UNAVAILABLE .*not running/);
  assert.match(stdout, /broken +UNAVAILABLE .*maxBatchsize: unknown key/);
  assert.match(stdout, /identity +stable +1 +\S*config\.yaml:1/);
  assert.doesNotMatch(stdout, /default/);
});

test('a port that is taken is named with what to do', async () => {
  await using running = await startHeadgate({ repository: path.join(folder, 'models') });
  const port = new URL(running.url).port;
  const { status, stderr } = headgate(
    'serve',
    ...['--set', `repository=${path.join(folder, 'models')}`, '--set', 'http.host=127.0.0.1'],
    ...['--set', `http.port=${port}`, '--set', 'admin.port=0'],
  );
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port} is in use.*--set http\\.port=`));
});

test('an admin port that is taken ends it as well, though the other port was free', async () => {
  await using running = await startHeadgate({ repository: path.join(folder, 'models') });
  const port = new URL(running.adminUrl).port;
  const { status, stderr } = headgate(
    'serve',
    ...['--set', `repository=${path.join(folder, 'models')}`, '--set', 'http.host=127.0.0.1'],
    ...['--set', 'http.port=0', '--set', `admin.port=${port}`],
  );
  assert.equal(status, 1, stderr);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port} is in use.*--set admin\\.port=`));
});

test('workers stand as far behind the gateway as workers.nice says', async () => {
  const config = { workers: { nice: 8 } };
  await using running = await startHeadgate({ repository: path.join(folder, 'models'), config });
  const workers = (await (await fetch(`${running.adminUrl}/v1/workers`)).json()) as { pid: number }[];
  assert.deepEqual(
    workers.map(({ pid }) => getPriority(pid)),
    [8],
  );
});

test('headgate worker answers the protocol over TCP and joins no requests', async () => {
  await using worker = await startHeadgate({ repository: path.join(folder, 'models'), command: 'worker' });
  const row = { name: 'x', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => inferBinary(inferUrl(worker.url, 'identity', '1'), [row])),
  );
  for (const answer of answers) assertOk(answer);
  const stats = (await (await fetch(`${worker.url}/v2/models/identity/versions/1/stats`)).json()) as {
    model_stats: [{ execution_count: number }];
  };
  assert.equal(stats.model_stats[0].execution_count, 40);
});
