/** Controls of single rows: what each is there for is planted, and must be missed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { crashRows } from './crash-loop.ts';
import { killedRows as killedWhileRows } from './few-descriptors.ts';
import type { Row } from './figures.ts';
import { leftRow } from './leaving-clients.ts';
import { isToldWhy } from './malformed-rows.ts';
import { memoryRows, watchPeaks } from './memory.ts';
import { until } from './operator.ts';
import { s5Rows } from './reloading.ts';
import { killedRows } from './sigterm.ts';
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
  assert.deepEqual(kept(memoryRows(300 * mib, storm)), [false, true, true, true]);
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
