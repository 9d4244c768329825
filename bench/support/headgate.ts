import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../../src/node-flags.ts';
import { writeConfig } from '../../test/support/headgate.ts';
import { Server } from './server.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Starts Headgate over this models folder, with data, sockets and log in `folder`, and resolves when it is ready; `start` has flags for Node and more environment. */
export async function startHeadgate(
  repository: string,
  folder: string,
  options: Readonly<Record<string, unknown>> = {},
  start: {
    readonly node?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** Another checkout's. */
    readonly main?: string;
  } = {},
): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const { file, port, adminPort } = await writeConfig(folder, repository, options);
  // Another checkout has its own.
  const flags = start.main === undefined ? NODE_FLAGS : [];
  const command = [...flags, ...(start.node ?? []), start.main ?? MAIN, 'serve', '--config', file];
  const server = new Server(command, {
    folder,
    port,
    adminPort,
    env: start.env ?? {},
  });
  try {
    await server.ready();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

export interface Counts {
  readonly inferences: number;
  readonly executions: number;
}

/** A version's `inference_count` and `execution_count`, as its statistics say. */
export async function readCounts(server: Server, model: string): Promise<Counts> {
  const response = await fetch(`${server.url}/v2/models/${model}/stats`);
  const { model_stats: stats } = (await response.json()) as {
    model_stats: { inference_count: number; execution_count: number }[];
  };
  return {
    inferences: stats.reduce((sum, entry) => sum + entry.inference_count, 0),
    executions: stats.reduce((sum, entry) => sum + entry.execution_count, 0),
  };
}

export interface IndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state: string;
  readonly reason: string;
}

export async function readIndex(server: Server): Promise<IndexEntry[]> {
  const response = await fetch(`${server.url}/v2/repository/index`, { method: 'POST' });
  return (await response.json()) as IndexEntry[];
}
