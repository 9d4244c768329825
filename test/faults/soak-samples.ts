/** What a gateway and its workers hold at one moment. */
import { readFileSync } from 'node:fs';
import { processTree } from '../../bench/support/process-tree.ts';
import type { Headgate } from '../support/headgate.ts';
import { openFiles } from './sockets.ts';

export interface Sample {
  /** ms of the run. */
  readonly atMs: number;
  /** Of the gateway, bytes. */
  readonly resident: number;
  /** Of it, in use by JavaScript, buffers outside the heap included, bytes. */
  readonly heap: number;
  readonly files: number;
  /** What keeps its loop alive: sockets, timers, pipes; undefined where nobody counts. */
  readonly handles: number | undefined;
  /** Of all its workers. */
  readonly workersResident: number;
  readonly workersFiles: number;
  readonly workers: number;
}

/** Undefined when the gateway is gone. */
export async function sampleOf(
  headgate: Headgate,
  handlesFile: string,
  startedAt: number,
): Promise<Sample | undefined> {
  const heap = await heapBytes(headgate);
  const [gateway, ...workers] = processTree(headgate.pid);
  if (gateway === undefined) return undefined;
  return {
    atMs: performance.now() - startedAt,
    resident: gateway.rssBytes,
    heap,
    files: openFiles(headgate.pid) ?? Number.NaN,
    handles: handlesIn(handlesFile),
    workersResident: workers.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    workersFiles: workers.reduce((sum, { pid }) => sum + (openFiles(pid) ?? 0), 0),
    workers: workers.length,
  };
}

async function heapBytes({ adminUrl }: Headgate): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const of = (kind: string) =>
    Number(new RegExp(`^headgate_process_memory_bytes\\{kind="${kind}"\\} (\\S+)$`, 'm').exec(text)?.[1]);
  return of('heap') + of('buffers');
}

function handlesIn(file: string): number | undefined {
  try {
    const counts = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  } catch {
    return undefined;
  }
}
