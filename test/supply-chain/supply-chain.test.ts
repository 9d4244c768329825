import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { TempFolder } from '../../bench/support/temp-folder.ts';
import { type Outcome, readAudit } from './install.ts';
import { type LockFile, lockProblems } from './lock-file.ts';
import { quietRun } from './quiet-run.ts';
import { secretsIn } from './secrets.ts';
import { socketsOf } from './sockets.ts';
import { callsIn } from './system-calls.ts';
import { exitCodeOf, unmade } from './verdicts.ts';
import { HAS_STRACE, WatchedProcess } from './watched-gateway.ts';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile;

test('every dependency has a hash, an exact version, an allowed licence, and no install script that was not looked at', () => {
  assert.deepEqual(lockProblems(lock), []);
});

test('control: a planted package without each of these is found', () => {
  const good = lock.packages['node_modules/fastify'] ?? {};
  const { integrity: _, ...unhashed } = good;
  const rows: [Record<string, unknown>, RegExp][] = [
    [unhashed, /no SHA-512/],
    [{ ...good, integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, /no SHA-512/],
    [{ ...good, resolved: 'git+ssh://git@example.org/x.git' }, /from git/],
    [{ ...good, resolved: 'https://registry.npmjs.org.example/x.tgz' }, /from https/],
    [{ ...good, version: '^1.0.0' }, /no exact one/],
    [{ ...good, license: 'AGPL-3.0' }, /licence AGPL/],
    [{ ...good, license: undefined }, /licence unknown/],
    [{ ...good, hasInstallScript: true }, /install script/],
    [{ ...good, link: true }, /a link/],
  ];
  for (const [planted, expected] of rows) {
    const packages = { ...lock.packages, 'node_modules/planted': planted };
    const problems = lockProblems({ ...lock, packages });
    assert.equal(problems.length, 1, String(expected));
    assert.match(problems[0] ?? '', expected);
  }
});

test('an install script that is listed and gone is told of', () => {
  const { 'node_modules/onnxruntime-node': _, ...packages } = lock.packages;
  assert.match(lockProblems({ ...lock, packages }).join(), /onnxruntime-node: listed/);
});

test('an audit is well, broken, or could not be made', () => {
  const answer = (total: number) =>
    JSON.stringify({ vulnerabilities: { a: {} }, metadata: { vulnerabilities: { total } } });
  assert.equal(readAudit(answer(0)).kind, 'well');
  assert.equal(readAudit(answer(2)).kind, 'broken');
  assert.equal(readAudit('{"message":"405 Method Not Allowed"}').kind, 'not available');
  assert.equal(readAudit('<html>').kind, 'not available');
});

test('control: what is broken and what was not made give 1, what the registry would not say is told of', () => {
  const of = (kind: Outcome['kind']) => ({ name: kind, outcome: { kind, detail: '' } });
  const rows: [Outcome['kind'], 0 | 1, string[]][] = [
    ['well', 0, []],
    ['not available', 0, ['not available']],
    ['not made', 1, ['not made']],
    ['broken', 1, []],
  ];
  for (const [kind, code, told] of rows) {
    assert.equal(exitCodeOf([of('well'), of(kind)]), code, kind);
    assert.deepEqual(unmade([of('well'), of(kind)]), told);
  }
});

test('gateway and workers call nobody but the configured Redis, listen where declared, write where given, tell no secret', async () => {
  const { searched, traced, ...found } = await quietRun({ idleMs: 1000 });
  assert.deepEqual(found, { calls: [], listeners: [], secrets: [], written: [], telemetry: [] });
  assert.ok(searched > 300, `${searched} searched`);
  assert.equal(traced, HAS_STRACE);
});

test('control: a program that calls out, listens, writes and tells its secret is found out in each', async () => {
  await using folder = await TempFolder.create();
  const env = { ...process.env, LOOSE_SECRET: 'canary', TMPDIR: folder.path };
  const loose = new WatchedProcess(['test/supply-chain/loose-process.ts'], folder.path, env);
  await loose.printed(/listening/);
  const { listening } = socketsOf(loose.pid);
  assert.ok(listening.length >= 1, 'a listener');
  await loose.stop();
  assert.equal(secretsIn([{ where: 'log', text: loose.output }], ['canary']).length, 1);
  const calls = loose.calls();
  if (calls === undefined) return;
  assert.ok(calls.called.includes('127.0.0.8:9'), 'a connection');
  assert.ok(calls.called.includes('127.0.0.9:9'), 'a datagram');
  assert.ok(calls.written.includes(path.join(folder.path, '.loose-device-id')), 'a file');
  assert.ok(calls.bound.length >= 1, 'a bound port');
});

test('control: a standing connection to elsewhere is seen among a process’s sockets', async t => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await using folder = await TempFolder.create();
  const script = path.join(folder.path, 'calls.mjs');
  const { writeFile } = await import('node:fs/promises');
  await writeFile(
    script,
    `import('node:net').then(({ connect }) => connect(${port}, '127.0.0.1', () => console.log('up')));`,
  );
  const caller = new WatchedProcess([script], folder.path, process.env);
  await caller.printed(/up/);
  assert.ok(socketsOf(caller.pid).remote.some(({ remote }) => remote === port));
  await caller.stop();
});

test('a traced line is read: who was called, what was bound, what was written', () => {
  const log = [
    '12 connect(20, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("1.2.3.4")}, 16) = -1 EINPROGRESS',
    '12 connect(20, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
    '13 connect(3, {sa_family=AF_UNIX, sun_path="/tmp/x.sock"}, 110) = 0',
    '13 sendto(9, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("8.8.8.8")}, 16 <unfinished ...>',
    '13 bind(9, {sa_family=AF_INET, sin_port=htons(8000), sin_addr=inet_addr("0.0.0.0")}, 16) = 0',
    '13 openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3',
    '13 openat(AT_FDCWD, "/root/.id", O_WRONLY|O_CREAT, 0600) = 3',
  ].join('\n');
  assert.deepEqual(callsIn(log), {
    called: ['1.2.3.4:443', '::1:80', '8.8.8.8:53'],
    bound: ['0.0.0.0:8000'],
    written: ['/root/.id'],
  });
});

test('a secret is found as it is and as it is commonly rewritten', () => {
  const secret = 'canary-5d0c2f/81';
  const basic = Buffer.from(`user:${secret}`).toString('base64');
  for (const text of [
    secret,
    encodeURIComponent(secret),
    `Basic ${basic}`,
    Buffer.from(secret).toString('hex'),
  ]) {
    assert.equal(secretsIn([{ where: 'log', text: `a ${text} b` }], [secret]).length, 1, text);
  }
  assert.deepEqual(secretsIn([{ where: 'log', text: 'nothing here' }], [secret]), []);
});
