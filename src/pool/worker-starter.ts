import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PoolOptions } from './pool-options.ts';
import { type WorkerCommand, WorkerProcess } from './worker-process.ts';

/** Starts processes that listen in this directory. */
export function workerStarter(
  directory: string,
  { workerCommand, niceness: ownNiceness = 5, readyTimeoutMs = 30_000 }: PoolOptions,
): (name: string, niceness: number) => WorkerProcess {
  const command = workerCommand ?? ownWorker(ownNiceness);
  let started = 0;
  return (name, niceness) => {
    const file = `${name.replaceAll(/[^\w.-]/g, '_').slice(0, 24)}-${started++}.sock`;
    return new WorkerProcess({ command, socketPath: path.join(directory, file), niceness, readyTimeoutMs });
  };
}

/** The worker beside this file, in `src` as TypeScript and in `dist` as JavaScript. */
function ownWorker(niceness: number): WorkerCommand {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`../worker/main.${extension}`, import.meta.url));
  return { file: process.execPath, args: [entry, '--nice', String(niceness)] };
}
