import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { identity, spin } from '../support/onnx.ts';
import { input, startWorker } from './running-worker.ts';

test('when its stdin ends it kills itself and removes its socket, also in the middle of a run', async t => {
  const worker = await startWorker(t);
  await worker.load(spin());
  const run = worker.infer([input('iterations', 'INT64', [1, 1], new BigInt64Array([10n ** 12n]))]);
  run.catch(() => undefined);
  await worker.whenRunning(1);
  const exited = once(worker.child, 'exit');
  worker.child.stdin.end();
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  assert.equal(existsSync(worker.socket), false);
  await assert.rejects(run);
});

test('it says its pid when it listens, and tells what it holds', async t => {
  const worker = await startWorker(t);
  await worker.load(identity(), { version: '2.g7', instances: 2 }, 'held');
  const { body } = await worker.json('GET', '/v2/worker');
  const { pid, rssBytes, models } = body as { pid: number; rssBytes: number; models: unknown };
  assert.equal(pid, worker.child.pid);
  assert.ok(rssBytes > 2 ** 20);
  assert.deepEqual(models, [{ name: 'held', version: '2.g7', instances: 2, running: 0, requests: 0 }]);
});
