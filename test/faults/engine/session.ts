/** ONNX Runtime's sessions as the worker runs them, except that a run may be ordered to crash, hang, slow, leak or fail. */
import { writeSync } from 'node:fs';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { runSession as runReally } from '../../../src/worker/session.ts';
import { claim, currentOrder, ENGINE_FOLDER, type EngineOrder, note } from './orders.ts';

export { loadSession } from '../../../src/worker/session.ts';

type Feeds = Readonly<Record<string, Tensor>>;

const folder = process.env[ENGINE_FOLDER] ?? '';
const leaked: Buffer[] = [];

/** As the real one, but for the order in force. */
export async function runSession(
  session: InferenceSession,
  feeds: Feeds,
  outputs: readonly string[],
): Promise<readonly Tensor[]> {
  const order = currentOrder(folder);
  if (order === undefined || !concerns(order, feeds)) return runReally(session, feeds, outputs);
  if ((order.kind === 'crash' || order.kind === 'hang') && !claim(folder))
    return runReally(session, feeds, outputs);
  note(folder, { kind: order.kind, pid: process.pid, rows: Object.values(feeds)[0]?.dims[0] ?? 0 });
  return obey(order, () => runReally(session, feeds, outputs));
}

async function obey(order: EngineOrder, run: () => Promise<readonly Tensor[]>): Promise<readonly Tensor[]> {
  switch (order.kind) {
    case 'crash':
      process.kill(process.pid, 'SIGSEGV');
      return pause(Number.POSITIVE_INFINITY);
    case 'hang':
      return pause(Number.POSITIVE_INFINITY);
    case 'throw':
      throw new Error('the test engine was told to fail');
    case 'nan':
      return (await run()).map(withoutNumbers);
    case 'leak':
      leaked.push(Buffer.alloc(order.bytes, 1));
      return run();
    case 'print':
      writeSync(2, `${'x'.repeat(1000)}\n`.repeat(order.lines));
      return run();
    case 'slow': {
      const startedAt = performance.now();
      const results = await run();
      pause((order.times - 1) * (performance.now() - startedAt));
      return results;
    }
  }
}

/** Samples are drawn around zero, so what is far from it was sent by somebody. */
const LARGEST_OF_A_SAMPLE = 10;

function concerns(order: EngineOrder, feeds: Feeds): boolean {
  if (order.pid !== undefined && order.pid !== process.pid) return false;
  const least = order.atLeast ?? LARGEST_OF_A_SAMPLE;
  return order.samples === true || Object.values(feeds).some(feed => reaches(feed, least));
}

function reaches({ data }: Tensor, least: number): boolean {
  return (data as Float32Array).some(value => Math.abs(Number(value)) >= least);
}

function withoutNumbers(output: Tensor): Tensor {
  if (output.type === 'float32') (output.data as Float32Array).fill(Number.NaN);
  return output;
}

/** Stops the thread, as a native call does; for ever when `ms` is infinite. */
function pause(ms: number): never[] {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return [];
}
