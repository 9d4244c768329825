/** Loads a version on a worker and runs every batch size on every instance, within the CPU's permits. */
import type { HostedVersion } from './hosted-version.ts';
import { fastestOf, type TimedRun } from './run-times.ts';
import type { Grant, Scheduler } from './scheduler.ts';
import type { WorkerClient } from './worker-client.ts';

/** Of each size, on the first instance; the others are alike, and loading would take longer for nothing. */
const MEASURING_RUNS = 3;

/**
 * The first time, each size is run until its time is known; a worker that was replaced is warmed as fast as can be.
 * Rejects with `model-failed` when the worker refuses it, `unavailable` when the worker died.
 */
export async function bringUp(
  hosted: HostedVersion,
  client: WorkerClient,
  scheduler: Scheduler,
  signal: AbortSignal,
): Promise<void> {
  await client.load(hosted.model, hosted.order, signal);
  const isNew = hosted.warmUp.every(run => run.fastest === undefined);
  const lanes = Array.from({ length: hosted.total }, (_, instance) =>
    warmInstance(
      hosted,
      permittedRun(hosted, client, scheduler, instance, signal),
      isNew && instance === 0 ? MEASURING_RUNS : 1,
    ),
  );
  await Promise.all(lanes);
}

async function warmInstance(hosted: HostedVersion, run: TimedRun, runs: number): Promise<void> {
  for (const warmUp of hosted.warmUp) {
    warmUp.note(await fastestOf(run, warmUp, warmUp.measured ? runs : 1));
  }
}

/**
 * Makes runs on one instance, each when its device has room; rejects with the signal's reason instead once it aborted.
 * `began` is called as each is sent, and what it returns when that has ended.
 */
export function permittedRun(
  hosted: Pick<HostedVersion, 'device' | 'weight' | 'path'>,
  client: WorkerClient,
  scheduler: Scheduler,
  instance: number,
  signal: AbortSignal,
  began: () => () => void = () => () => undefined,
): TimedRun {
  const flow = scheduler.flow();
  flow.seats.push({ device: hosted.device, weight: hosted.weight, total: 1, inUse: 0, open: true });
  return async execution => {
    const grant = await new Promise<Grant>(resolve => flow.acquire(resolve));
    const startedMs = performance.now();
    const ended = began();
    let consumedMs = 0;
    try {
      signal.throwIfAborted();
      const result = await client.infer(hosted.path, execution, { headgate_instance: instance });
      consumedMs = result.inferMs;
      return { inferMs: consumedMs, roundTripMs: performance.now() - startedMs };
    } finally {
      ended();
      grant.end(consumedMs);
    }
  };
}
