/** Controls of single rows: what each is there for is planted, and must be missed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { processTree } from '../../bench/support/process-tree.ts';
import { addConstant } from '../support/onnx.ts';
import { inForce } from './bad-config.ts';
import { crashRows } from './crash-loop.ts';
import { killedRows as killedWhileRows } from './few-descriptors.ts';
import { extraRunsRow, type Row } from './figures.ts';
import { leftRow } from './leaving-clients.ts';
import { isToldWhy } from './malformed-rows.ts';
import { memoryRows, watchPeaks } from './memory.ts';
import { until } from './operator.ts';
import { stopAndGo } from './paused-worker.ts';
import { s5Rows } from './reloading.ts';
import { killedRows } from './sigterm.ts';
import { startSubjectWith, WIDTH } from './subject.ts';
import type { Carried } from './traffic.ts';

const kept = (rows: readonly Row[]): boolean[] => rows.map(row => row.kept);

test('a version that crashes begins in a shared worker, goes on in its own, and soon ends', () => {
  const [shared, own] = [{ shared: true }, { shared: false }];
  assert.deepEqual(kept(crashRows([shared, own, own])), [true, true]);
  assert.deepEqual(kept(crashRows([own, own, own])), [false, true]);
  assert.deepEqual(kept(crashRows([shared, shared, shared])), [false, true]);
  assert.deepEqual(kept(crashRows([shared, own, shared])), [false, true]);
  assert.deepEqual(kept(crashRows([shared, own])), [true, false]);
  assert.deepEqual(kept(crashRows([shared, ...new Array(6).fill(own)])), [true, false]);
});

test('a wrong request is told its own fault: no other one, and no other field', () => {
  const own = '{"error":"inputs[0].datatype: expected FP32, got INT64"}';
  assert.equal(isToldWhy({ status: 400, text: own }, 1), true);
  assert.equal(isToldWhy({ status: 500, text: own }, 1), false);
  for (const other of [0, 2, 3, 4, 5, 6, 7])
    assert.equal(isToldWhy({ status: 400, text: own }, other), false);
  assert.equal(isToldWhy({ status: 400, text: '{"error":"expected something else: x"}' }, 0), false);
});

const account = (requests: number, correct: number) => ({
  ...{ requests, correct, refused: 0, failed: 0, lost: requests - correct, wrong: 0, firsts: {} },
});

test('a worker killed before anything ran there, or by the gateway first, is no proof; its callers count', () => {
  const killed = { inFlight: 1, inUse: 63, deaths: 1, account: account(8, 8) };
  assert.deepEqual(kept(killedWhileRows(killed)), [true, true, true]);
  assert.deepEqual(kept(killedWhileRows({ ...killed, inFlight: 0 })), [false, true, true]);
  assert.deepEqual(kept(killedWhileRows({ ...killed, deaths: 0 })), [false, true, true]);
  assert.deepEqual(kept(killedWhileRows({ ...killed, inUse: 40 })), [true, false, true]);
  assert.deepEqual(kept(killedWhileRows({ ...killed, account: account(8, 7) })), [true, true, false]);
});

test('clients that left once they were answered, or only in one place, do not count as leaving', () => {
  const left = (['head', 'body', 'request'] as const).map(after => ({ after, answered: false }));
  assert.equal(leftRow(left).kept, true);
  assert.equal(leftRow(left.slice(1)).kept, false);
  assert.equal(leftRow(left.map(one => ({ ...one, answered: one.after === 'request' }))).kept, false);
});

test('a wrong answer of a gateway that is killed is no answer cut off', () => {
  const round = (outcomes: readonly [string, number][]) => ({
    ...{ exit: { code: null, signal: 'SIGKILL' as const }, tookMs: 1, orphans: [], sockets: 0 },
    outcomes: new Map(outcomes),
  });
  const cut: [string, number][] = [
    ['lost on a kept one', 30],
    ['refused', 2],
  ];
  assert.deepEqual(kept(killedRows([round([['200', 9], ...cut])])), [true, true, true]);
  assert.deepEqual(kept(killedRows([round(cut)])), [false, true, true]);
  const wrong: [string, number] = ['wrong: not what was sent', 1];
  assert.deepEqual(kept(killedRows([round([['200', 9], wrong, ...cut])])), [true, false, true]);
});

test('what is reloaded has a tail of its own: that of the model that is not says nothing of it', () => {
  const carried = (ms: number): Carried => ({
    ...{ account: account(100, 100), okMs: new Float64Array(100).fill(ms), statuses: {}, lateShare: 0 },
  });
  const even = { before: carried(5), during: carried(5), besideBefore: carried(5), beside: carried(5) };
  assert.deepEqual(kept(s5Rows(even)), [true, true, true, true]);
  assert.deepEqual(kept(s5Rows({ ...even, beside: carried(8) })), [true, true, true, false]);
});

test('a worker that grows past its bound, none that reaches it, and a storm of restarts are seen', () => {
  const [mib, storm] = [2 ** 20, { bombs: 1, deaths: 3, seconds: 10 }];
  assert.deepEqual(kept(memoryRows(450 * mib, storm)), [true, true, true, true]);
  assert.deepEqual(kept(memoryRows(250 * mib, storm)), [false, true, true, true]);
  assert.deepEqual(kept(memoryRows(1500 * mib, storm)), [true, false, true, true]);
  assert.deepEqual(kept(memoryRows(450 * mib, { ...storm, deaths: 5 })), [true, true, false, true]);
});

test('memory that a process had for a moment is seen by its peak', async () => {
  const script = 'Buffer.alloc(300 * 2 ** 20, 1); console.log(1); setInterval(() => {}, 1000)';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await once(child.stdout, 'data');
    await using peaks = watchPeaks(process.pid);
    await until('it is seen', () => peaks.most() > 300 * 2 ** 20);
  } finally {
    child.kill('SIGKILL');
  }
});

test('batches that were not full, or were halved too often, are no proof of what a culprit costs', () => {
  assert.equal(extraRunsRow([6, 6], 8).kept, true);
  for (const reruns of [[], [0, 0], [6, 2], [6, 8]]) assert.equal(extraRunsRow(reruns, 8).kept, false);
});

test('a gateway file that comes into force is seen', async () => {
  await using subject = await startSubjectWith({ other: { versions: { 1: addConstant(2, WIDTH) } } });
  const before = await inForce(subject);
  const file = path.join(subject.headgate.folder, 'headgate.yaml');
  await writeFile(file, `timeouts: { drainMs: 4321 }\n${await readFile(file, 'utf8')}`);
  await until('it is in force', async () => (await inForce(subject)) !== before);
});

test('a process that is stopped and continued stands still most of the time, and runs again afterwards', async () => {
  const script = 'console.log(1); for (const end = Date.now() + 1e4; Date.now() < end;);';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await once(child.stdout, 'data');
    const cpu = () => processTree(child.pid as number)[0]?.cpuSeconds ?? Number.NaN;
    const [before, startedAt] = [cpu(), performance.now()];
    const slowed = stopAndGo(child.pid as number);
    await sleep(1000);
    assert.ok((await slowed.end()) > 0);
    const share = (1000 * (cpu() - before)) / (performance.now() - startedAt);
    assert.ok(share < 0.5, `it ran ${share} of the time`);
    const stopped = cpu();
    await until('it runs again', () => cpu() > stopped);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a process that ends while it is stopped and continued was not slow', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const slowed = stopAndGo(child.pid as number);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await sleep(100);
  await assert.rejects(slowed.end(), /has ended/);
});
