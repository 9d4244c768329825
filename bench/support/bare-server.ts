import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/headgate.ts';
import { Server } from './server.ts';

const CHILD = fileURLToPath(new URL('./bare-server-child.ts', import.meta.url));

/** What a bare server does with a body: see `bare-server-child.ts`. */
export type BareWork = 'echo' | 'json-echo' | 'json-parse';

/** What `json-parse` answers. */
export const TEN_VALUES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Starts a `node:http` server that does only this with each body, and resolves when it answers. */
export async function startBareServer(work: BareWork, folder: string): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const server = new Server([CHILD, work, String(port)], { folder, port });
  await server.ready();
  return server;
}
