import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { LineSplitter } from '../../src/pool/line-splitter.ts';
import { createSocketDirectory, sweepSocketDirectories } from '../../src/pool/socket-directory.ts';
import { assertTransition, restartDelayMs } from '../../src/pool/worker-lifecycle.ts';
import { workerEnvironment } from '../../src/pool/worker-process.ts';

test('the first restart is immediate, later ones double up to a limit, spread by half', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 8, 9, 50].map(deaths => restartDelayMs(deaths, 0.5)),
    [0, 200, 400, 800, 25_600, 30_000, 30_000],
  );
  assert.deepEqual([restartDelayMs(2, 0), restartDelayMs(2, 1)], [200, 600]);
});

test('a closed worker stays closed, and none is ready without having started', () => {
  assert.throws(() => assertTransition('closed', 'starting'), /this is a bug/);
  assert.throws(() => assertTransition('waiting', 'ready'), /this is a bug/);
  assertTransition('starting', 'ready');
});

test("the gateway's own settings stay out of a worker's environment, telemetry stays off", () => {
  const env = workerEnvironment({ PATH: '/bin', HEADGATE_ADMIN_TOKEN: 'secret', ORT_DISABLE_TELEMETRY: '0' });
  assert.deepEqual(env, { PATH: '/bin', ORT_DISABLE_TELEMETRY: '1', ORT_TELEMETRY_DISABLED: '1' });
});

test('output is cut into lines across chunks, and an endless line is kept short', () => {
  const lines: string[] = [];
  const { push } = new LineSplitter(line => lines.push(line));
  for (const chunk of ['on', 'e\ntw', 'o\n\nthr']) push(Buffer.from(chunk));
  assert.deepEqual(lines, ['one', 'two']);
  for (let i = 0; i < 100; i++) push(Buffer.alloc(1000, 'x'));
  push(Buffer.from('\n'));
  assert.equal(lines[2]?.length, 2000);
});

test('a socket directory is private; those of dead owners are swept, those of living ones and others stay', async t => {
  const parent = mkdtempSync(path.join(tmpdir(), 'headgate-test-'));
  t.after(() => rmSync(parent, { recursive: true }));
  const own = await createSocketDirectory(parent);
  assert.equal(statSync(own).mode & 0o777, 0o700);
  const dead = path.join(parent, 'headgate-4194399-abc');
  const other = path.join(parent, 'headgate-notes');
  mkdirSync(dead);
  mkdirSync(other);
  utimesSync(dead, 0, 0);
  await sweepSocketDirectories(parent);
  assert.deepEqual([existsSync(own), existsSync(dead), existsSync(other)], [true, false, true]);
});
