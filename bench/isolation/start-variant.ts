import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeConfig } from '../../test/support/headgate.ts';
import { Server } from '../support/server.ts';

/** Where a session runs: in a thread of the gateway, or in a worker process on the thread that reads and writes. */
export type Variant = 'thread-of-gateway' | 'one-thread-worker';

/** Starts Headgate with its sessions somewhere else, and resolves when it is ready. */
export async function startVariant(variant: Variant, repository: string, folder: string): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const { file, port, adminPort } = await writeConfig(folder, repository);
  const entry = fileURLToPath(new URL(`./${variant}.ts`, import.meta.url));
  const server = new Server([entry, 'serve', '--config', file], { folder, port, adminPort });
  try {
    await server.ready();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}
