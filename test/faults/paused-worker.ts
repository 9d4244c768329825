/** R5 without the test engine: ONNX Runtime's own runs, in a process that stands still nine parts of ten. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunScenario } from './scenario.ts';
import { type Slowing, slowGroup } from './slow-worker.ts';

/** Longer than a run, so that most of them meet a stop. */
const STOPPED_MS = 45;
const RUNNING_MS = 5;

export const run: RunScenario = options => slowGroup(options, (_, pid) => stopAndGo(pid));

/** Stops and continues a process until the end is asked for, and leaves it running. `struck` counts the stops. */
export function stopAndGo(pid: number): ReturnType<Slowing> {
  let over = false;
  const stopping = cycles(pid, () => over);
  stopping.catch(() => undefined);
  return {
    end() {
      over = true;
      return stopping;
    },
  };
}

/** Rejects when the process has ended: it was not slow then, but replaced. */
async function cycles(pid: number, isOver: () => boolean): Promise<number> {
  let stops = 0;
  try {
    for (; !isOver(); stops++) {
      process.kill(pid, 'SIGSTOP');
      await sleep(STOPPED_MS);
      process.kill(pid, 'SIGCONT');
      await sleep(RUNNING_MS);
    }
  } catch (error) {
    throw new Error(`the worker that was stopped and continued has ended`, { cause: error });
  }
  return stops;
}
