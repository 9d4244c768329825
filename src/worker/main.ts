/**
 * A worker process: `node src/worker/main.ts --socket <path> [--nice 5]`. Its stdin is its lifeline: when that ends,
 * the gateway is gone or wants it gone, and it ends itself at once. It prints `{"ready":true,"pid":…}` when it listens.
 */
import { unlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { endProcess, ownSocket } from './end-process.ts';
import { Models } from './models.ts';
import { createWorkerServer } from './server.ts';

const { values } = parseArgs({
  options: {
    socket: { type: 'string' },
    nice: { type: 'string', default: '5' },
  },
});
if (values.socket === undefined) {
  console.error('usage: main.ts --socket <path> [--nice 5]');
  process.exit(2);
}
const socketPath = path.resolve(values.socket);

process.stdin.on('end', () => endProcess(''));
process.stdin.on('error', () => endProcess(''));
process.stdin.resume();
// A gateway that dies closes these too; that must not be what ends us first.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
process.on('uncaughtException', error => endProcess(`worker failed: ${error.stack}`));
process.on('SIGTERM', () => endProcess(''));
process.on('SIGINT', () => endProcess(''));

// Before a run thread loads ONNX Runtime: no telemetry, under its present name and its older one.
process.env['ORT_DISABLE_TELEMETRY'] = '1';
process.env['ORT_TELEMETRY_DISABLED'] = '1';
lowerPriority(Number(values.nice));
process.umask(0o077);
// A model that names data it was not given must not find it beside whatever we were started from.
process.chdir(path.dirname(socketPath));

try {
  unlinkSync(socketPath);
} catch {
  // The usual case: none was left.
}
ownSocket(socketPath);
const models = new Models();
await models.prepare();
const server = createWorkerServer(models);
server.listen(socketPath, () => console.log(JSON.stringify({ ready: true, pid: process.pid })));

/** Below the gateway, so that no model keeps its event loop waiting; threads started later inherit it. */
function lowerPriority(nice: number): void {
  try {
    os.setPriority(Math.max(os.getPriority(), nice));
  } catch {
    // Priorities are a courtesy.
  }
}
