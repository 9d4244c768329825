/** What a gateway and its workers hold at one moment. */
import { readFileSync } from 'node:fs';
import { processTree } from '../../bench/support/process-tree.ts';
import { openFiles } from './sockets.ts';

export interface Sample {
  /** ms of the run. */
  readonly atMs: number;
  /** Of the gateway, bytes. */
  readonly resident: number;
  /** Of it, held by JavaScript after a full collection, buffers outside the heap included, bytes. */
  readonly heap: number | undefined;
  readonly files: number;
  /** What keeps its loop alive: sockets, timers, pipes. Undefined, as `heap` is, until it was said first. */
  readonly handles: number | undefined;
  /** Of all its workers. */
  readonly workersResident: number;
  readonly workersFiles: number;
  readonly workers: number;
}

/** `holdingsFile` is what `hooks/holdings.ts` writes. Undefined when the gateway is gone. */
export function sampleOf(pid: number, holdingsFile: string, startedAt: number): Sample | undefined {
  const [gateway, ...workers] = processTree(pid);
  if (gateway === undefined) return undefined;
  return {
    atMs: performance.now() - startedAt,
    resident: gateway.rssBytes,
    ...holdingsIn(holdingsFile),
    files: openFiles(pid) ?? Number.NaN,
    workersResident: workers.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    workersFiles: workers.reduce((sum, worker) => sum + (openFiles(worker.pid) ?? 0), 0),
    workers: workers.length,
  };
}

function holdingsIn(file: string): Pick<Sample, 'heap' | 'handles'> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { heap: number; handles: number };
  } catch {
    return { heap: undefined, handles: undefined };
  }
}
