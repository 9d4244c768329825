import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/headgate.ts';
import { Server } from './server.ts';

const TWO_HOPS = fileURLToPath(new URL('./two-hop-child.ts', import.meta.url));

/**
 * Starts two bare servers with a Unix socket between them, which receive, forward and answer the same bytes whole; the
 * second one is busy for `busyMs` before it answers.
 */
export async function startTwoHops(folder: string, busyMs = 0): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const server = new Server(
    [TWO_HOPS, 'front', String(port), path.join(folder, 'echo.sock'), String(busyMs)],
    {
      folder,
      port,
    },
  );
  await server.ready();
  return server;
}
