import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/headgate.ts';
import { Server } from './server.ts';

const CHILD = fileURLToPath(new URL('./static-fastify-child.ts', import.meta.url));

/** Starts bare Fastify that answers POSTs to `at` with this text, and resolves when it answers. */
export async function startStaticFastify(at: string, text: string, folder: string): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const server = new Server([CHILD, String(port), at, text], { folder, port });
  await server.ready();
  return server;
}
