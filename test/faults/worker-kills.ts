/** Workers killed while batches run, and what runs or waits by what the admin plane says. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Kill {
  readonly pid: number;
  /** Batches of the models it hosted, just before. */
  readonly inFlight: number;
}

interface Worker {
  readonly pid?: number;
  readonly models: readonly { readonly model: string }[];
}

interface Model {
  readonly name: string;
  readonly queuedRows?: number;
  readonly runningBatches?: number;
}

/** Kills one that hosts models with batches in flight, once there is one; undefined: there was none until `isOver`. */
export async function killHost(
  adminUrl: string,
  random: () => number,
  isOver: () => boolean,
): Promise<Kill | undefined> {
  while (!isOver()) {
    const [workers, models] = await Promise.all([
      ask<readonly Worker[]>(adminUrl, '/v1/workers'),
      ask<readonly Model[]>(adminUrl, '/v1/models'),
    ]);
    const running = new Map(models.map(({ name, runningBatches = 0 }) => [name, runningBatches]));
    const busy = workers.flatMap(({ pid, models: hosted }) => {
      const inFlight = hosted.reduce((sum, { model }) => sum + (running.get(model) ?? 0), 0);
      return pid === undefined || inFlight === 0 ? [] : [{ pid, inFlight }];
    });
    const kill = busy[Math.floor(random() * busy.length)];
    if (kill !== undefined && strike(kill.pid)) return kill;
    await sleep(5);
  }
  return undefined;
}

/** Rows that wait and batches that run, once that has become 0, or after five seconds. */
export async function takenSlots(adminUrl: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    const models = await ask<readonly Model[]>(adminUrl, '/v1/models');
    const taken = models.reduce((sum, one) => sum + (one.queuedRows ?? 0) + (one.runningBatches ?? 0), 0);
    if (taken === 0 || tries === 50) return taken;
    await sleep(100);
  }
}

function strike(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

async function ask<T>(adminUrl: string, url: string): Promise<T> {
  return (await (await fetch(`${adminUrl}${url}`)).json()) as T;
}
