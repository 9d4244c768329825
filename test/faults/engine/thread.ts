/** Stands in for `src/worker/thread-sources.ts`: threads run the sources as they are, with one module exchanged. */
import { Worker, type WorkerOptions } from 'node:worker_threads';

const ENTRY = new URL('./thread-entry.ts', import.meta.url);

export function startThread(entry: URL, options: WorkerOptions & { workerData: object }): Worker {
  return new Worker(ENTRY, { ...options, workerData: { ...options.workerData, entry: entry.href } });
}
