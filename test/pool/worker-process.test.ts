import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { WorkerProcess } from '../../src/pool/worker-process.ts';

/** Of `/proc/<pid>/stat`, counted from the state: `proc(5)`. */
const NICE = 16;
const POLICY = 38;
const IDLE = 5;
const LOWEST = 19;
const READY = 'console.log(JSON.stringify({ ready: true })); process.stdin.resume()';

test('a process that stands behind computes only where nobody else would', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-process-'));
  const command = { file: process.execPath, args: ['-e', READY, '--'] };
  const worker = new WorkerProcess({
    ...{ command, socketPath: path.join(folder, 'socket'), niceness: 5, readyTimeoutMs: 30_000 },
  });
  t.after(async () => {
    await worker.kill();
    await rm(folder, { recursive: true });
  });
  await worker.ready;
  assert.deepEqual(isBehind(worker), false);
  worker.standBehind();
  // The kernel tells nobody: it is looked at until it is so, or the test's time is up.
  while (!isBehind(worker)) await loopTurn();
});

/** With the idle policy, or as nice as can be where no command gives it that. */
function isBehind({ pid }: WorkerProcess): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[POLICY]) === IDLE || Number(fields[NICE]) === LOWEST;
}
