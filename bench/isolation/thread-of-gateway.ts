/**
 * Headgate whose sessions run on threads of the gateway's own process: `headgate`'s flags. The same run threads and slots
 * as in a worker, filled by the gateway itself; worker processes are started and loaded too, and stand idle.
 */
import type { Execution, ExecutionResult } from '../../src/inference.ts';
import type { RequestParameters } from '../../src/pool/request-body.ts';
import { WorkerClient } from '../../src/pool/worker-client.ts';
import type { LoadOrder } from '../../src/protocol/load-order.ts';
import { outputTensors } from '../../src/worker/answer.ts';
import type { LoadedModel } from '../../src/worker/loaded-model.ts';
import { Models } from '../../src/worker/models.ts';
import { align, type Slot } from '../../src/worker/slot.ts';

const models = new Models();
await models.prepare();
const { load, unload } = WorkerClient.prototype;

WorkerClient.prototype.load = async function (model: string, order: LoadOrder, signal?: AbortSignal) {
  await load.call(this, model, order, signal);
  await models.load(model, order);
};
WorkerClient.prototype.unload = async function (model: string, version: string, signal?: AbortSignal) {
  await unload.call(this, model, version, signal);
  await models.unload(model, version);
};
WorkerClient.prototype.infer = (path: string, execution: Execution, parameters?: RequestParameters) => {
  const [name = '', , version = ''] = path.split('/').slice(3).map(decodeURIComponent);
  const instance = parameters?.['headgate_instance'];
  return run(models.get(name, version), execution, typeof instance === 'number' ? instance : undefined);
};

function run(
  model: LoadedModel,
  execution: Execution,
  instance: number | undefined,
): Promise<ExecutionResult> {
  return new Promise((resolve, reject) => {
    model.acquire(slot => {
      const asked = outputsOf(model, execution);
      place(slot, execution);
      slot.view.asked = asked;
      model
        .run(slot, instance)
        .then(large => {
          const outputs = outputTensors(model, slot, asked, large).map(output => ({
            ...output,
            data: Buffer.from(output.data),
          }));
          return { outputs, inferMs: slot.view.inferMs };
        })
        .finally(() => model.release(slot))
        .then(resolve, reject);
    });
  });
}

function outputsOf({ signature }: LoadedModel, { outputs }: Execution): readonly number[] {
  if (outputs === undefined) return signature.outputs.map((_, i) => i);
  return outputs.map(name => signature.outputs.findIndex(spec => spec.name === name));
}

/** The one copy of the rows. */
function place(slot: Slot, { inputs }: Execution): void {
  const sizes = inputs.map(({ parts }) => parts.reduce((sum, part) => sum + part.length, 0));
  const target = slot.input(sizes.reduce((sum, size) => sum + align(size), 0));
  let at = 0;
  inputs.forEach(({ shape, parts }, i) => {
    const byteLength = sizes[i] as number;
    slot.view.writeInput(i, { offset: at, byteLength, shape });
    let to = at;
    for (const part of parts) to += Buffer.from(part.buffer, part.byteOffset, part.length).copy(target, to);
    at += align(byteLength);
  });
}

// A thread that holds a session is not torn down; the workers go with their lifeline.
process.on('SIGTERM', () => process.kill(process.pid, 'SIGKILL'));
await import('../../src/main.ts');
