/** Loads a version on a worker and runs every batch size on every instance, within the CPU's permits. */
import type { Execution } from '../inference.ts';
import type { HostedVersion } from './hosted-version.ts';
import type { Grant, Scheduler } from './scheduler.ts';
import type { WorkerClient } from './worker-client.ts';

/** Rejects with `model-failed` when the worker refuses it, `unavailable` when the worker died. */
export async function bringUp(
  hosted: HostedVersion,
  client: WorkerClient,
  scheduler: Scheduler,
  signal: AbortSignal,
): Promise<void> {
  await client.load(hosted.model, hosted.order, signal);
  const lanes = Array.from({ length: hosted.total }, (_, instance) =>
    warmInstance(hosted, client, scheduler, instance, signal),
  );
  await Promise.all(lanes);
}

async function warmInstance(
  hosted: HostedVersion,
  client: WorkerClient,
  scheduler: Scheduler,
  instance: number,
  signal: AbortSignal,
): Promise<void> {
  const flow = scheduler.flow();
  flow.seats.push({ device: hosted.device, weight: hosted.weight, total: 1, inUse: 0, open: true });
  for (const execution of hosted.warmUp) {
    const grant = await new Promise<Grant>(resolve => flow.acquire(resolve));
    await runWarmUp(hosted, client, grant, execution, instance, signal);
  }
}

async function runWarmUp(
  hosted: HostedVersion,
  client: WorkerClient,
  grant: Grant,
  execution: Execution,
  instance: number,
  signal: AbortSignal,
): Promise<void> {
  let consumedMs = 0;
  try {
    signal.throwIfAborted();
    ({ inferMs: consumedMs } = await client.infer(hosted.path, execution, { headgate_instance: instance }));
  } finally {
    grant.end(consumedMs);
  }
}
