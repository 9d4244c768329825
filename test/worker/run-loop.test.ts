import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { LoadOrder } from '../../src/protocol/load-order.ts';
import { COMMAND, type Command, SIGNAL } from '../../src/worker/run-messages.ts';
import { Slot } from '../../src/worker/slot.ts';
import { startThread } from '../../src/worker/thread-sources.ts';
import { identity } from '../support/onnx.ts';

const RUN_LOOP = new URL('../../src/worker/run-loop.ts', import.meta.url);

test('a run thread that is woken for nothing runs nothing: whoever asked may wake it only after it has answered', async t => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headgate-run-loop-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const signal = new Int32Array(new SharedArrayBuffer(SIGNAL.words * 4));
  const { port1: port, port2 } = new MessageChannel();
  const data = { signal: signal.buffer, port: port2 };
  const thread = startThread(RUN_LOOP, { workerData: data, transferList: [port2] });
  t.after(() => thread.terminate());
  const operate = async (operation: number): Promise<unknown> => {
    const before = Atomics.load(signal, SIGNAL.done);
    Atomics.store(signal, SIGNAL.operation, operation);
    Atomics.add(signal, SIGNAL.request, 1);
    Atomics.notify(signal, SIGNAL.request);
    await Atomics.waitAsync(signal, SIGNAL.done, before).value;
    return receiveMessageOnPort(port)?.message;
  };
  const command = (asked: Command): Promise<unknown> => {
    port.postMessage(asked);
    return operate(COMMAND);
  };
  const slot = new Slot(0, 1, 1);
  await command({ kind: 'load', order: orderOf(folder) });
  await command({ kind: 'slots', slots: [slot.buffers] });
  slot.input(16).fill(0);
  slot.view.writeInput(0, { offset: 0, byteLength: 16, shape: [1, 4] });
  slot.view.asked = [0];
  port.postMessage(slot.newInput());
  await operate(0);
  assert.equal(slot.view.place, 'slot');
  // Who can be woken sleeps: the second time it has dealt with the first.
  for (let times = 0; times < 2; times++) while (Atomics.notify(signal, SIGNAL.request) === 0) await turn();
  assert.deepEqual(await command({ kind: 'release' }), { kind: 'done' });
  assert.equal(Atomics.load(signal, SIGNAL.done), Atomics.load(signal, SIGNAL.request));
});

function orderOf(folder: string): LoadOrder {
  const bytes = identity({ shape: ['batch', 4] });
  const file = path.join(folder, 'model.onnx');
  writeFileSync(file, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    ...{ version: '1.g1', file, sha256, externalData: [] },
    ...{ kind: 'cpu', device: 0, instances: 1, intraOpThreads: 1 },
  };
}
