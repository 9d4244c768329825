import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/headgate.ts';
import { Server } from './server.ts';

const GATEWAY = fileURLToPath(new URL('../naive/gateway.ts', import.meta.url));

/** Starts the naive gateway for one model of the models folder, and resolves when it is ready. */
export async function startNaive(repository: string, model: string, folder: string): Promise<Server> {
  const port = await freePort();
  const file = path.join(repository, model, '1', 'model.onnx');
  const server = new Server([GATEWAY, file, model, String(port), path.join(folder, 'naive.sock')], {
    folder,
    port,
  });
  await server.ready();
  return server;
}
