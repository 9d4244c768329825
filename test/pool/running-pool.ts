/** A pool under test: a folder of its own for sockets and models, everything gone after the test. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createEvents, type Events, type WorkerChanged } from '../../src/events.ts';
import type { Execution, Executor, Slot } from '../../src/inference.ts';
import { Pool, type PoolOptions } from '../../src/pool/pool.ts';
import type { VersionSpec } from '../../src/pool/version-spec.ts';

export const FAKE_WORKER = {
  file: process.execPath,
  args: [fileURLToPath(new URL('fake-worker.ts', import.meta.url))],
};

export interface RunningPool {
  readonly pool: Pool;
  readonly events: Events;
  readonly folder: string;
  /** Everything said about workers so far. */
  readonly changes: readonly WorkerChanged[];
  readonly lines: readonly string[];
}

export async function startPool(t: TestContext, options: PoolOptions = {}): Promise<RunningPool> {
  const folder = mkdtempSync(path.join(tmpdir(), 'headgate-pool-test-'));
  const events = createEvents();
  const changes: WorkerChanged[] = [];
  const lines: string[] = [];
  events.on('worker:changed', change => changes.push(change));
  const log = (worker: string, line: string): void => void lines.push(`${worker}: ${line}`);
  const pool = new Pool(
    { cores: 2, workerCommand: FAKE_WORKER, log, socketParent: folder, random: () => 0.5, ...options },
    events,
  );
  t.after(async () => {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await pool.start();
  return { pool, events, folder, changes, lines };
}

export function specOf(file: string, over: Partial<VersionSpec> = {}): VersionSpec {
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  return {
    model: path.parse(file).name,
    version: '1',
    content: { file, sha256, externalData: [] },
    maxBatchSize: undefined,
    batchSizes: [],
    derivedMaxBatchSize: 4,
    warmup: [],
    instances: [],
    isolation: 'shared',
    ...over,
  };
}

/** One row [value, 0]. */
export function rowOf(...values: number[]): Execution {
  const part = new Uint8Array(Float32Array.from(values).buffer);
  return {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1, values.length], parts: [part] }],
    outputs: undefined,
    rows: 1,
  };
}

export const slotOf = (executor: Executor): Promise<Slot> =>
  new Promise(resolve => executor.acquire(resolve));

/** Runs one row of floats and gives the first output's floats. */
export async function runRow(executor: Executor, ...values: number[]): Promise<number[]> {
  const slot = await slotOf(executor);
  const { outputs } = await slot.execute(rowOf(...values));
  return [...new Float32Array(new Uint8Array(outputs[0]?.data ?? []).buffer)];
}

export function nextChange(
  events: Events,
  wanted: (change: WorkerChanged) => boolean,
): Promise<WorkerChanged> {
  return new Promise(resolve => {
    const listener = (change: WorkerChanged): void => {
      if (!wanted(change)) return;
      events.off('worker:changed', listener);
      resolve(change);
    };
    events.on('worker:changed', listener);
  });
}

/** The newest socket of a worker, by the beginning of its name. */
export function socketOf(folder: string, name: string): string {
  const directory = readdirSync(folder).find(entry => entry.startsWith('headgate-')) ?? '';
  const newest = readdirSync(path.join(folder, directory))
    .filter(entry => entry.startsWith(`${name}-`))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  return path.join(folder, directory, newest ?? '');
}

/** Resolves with the socket of a worker whose process is started by and by. */
export function socketToCome(folder: string, name: string): Promise<string> {
  return new Promise(resolve => {
    const directory = path.dirname(socketOf(folder, 'cpu'));
    const watcher = watch(directory, look);
    function look(): void {
      const found = socketOf(folder, name);
      if (path.dirname(found) !== directory) return;
      watcher.close();
      resolve(found);
    }
    look();
  });
}

/** One request to a worker, past the pool; its answer as JSON. */
export function ask(
  socketPath: string,
  method: 'GET' | 'POST',
  url: string,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path: url, agent: false }, async response => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
    });
    call.on('error', reject).end();
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
