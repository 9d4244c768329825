/**
 * Two bare servers: `node two-hop-child.ts front <port> <socket> [<busy ms>]` hands each POST's body to a process of its
 * own over a Unix socket with undici, as Headgate does, and sends back what comes; `echo <socket> <busy ms>` is that
 * process, which computes for so long first.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';

const CONNECTIONS = 16;
const [role = '', ...rest] = process.argv.slice(2);
const pool = role === 'front' ? await connected(rest[1] as string, rest[2] ?? '0') : undefined;
const busyMs = role === 'echo' ? Number(rest[1]) : 0;

async function connected(socketPath: string, busy: string): Promise<Pool> {
  const echo = fork(new URL(import.meta.url), ['echo', socketPath, busy]);
  await once(echo, 'message');
  return new Pool('http://echo', { socketPath, connections: CONNECTIONS });
}

/** As one buffer, placed once. */
async function received(request: IncomingMessage): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Number(request.headers['content-length'] ?? 0));
  let at = 0;
  for await (const chunk of request) at += (chunk as Buffer).copy(bytes, at);
  return bytes;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = await received(request);
  if (pool !== undefined && body.length > 0) {
    const reply = await pool.request({ method: 'POST', path: '/', body });
    body = Buffer.allocUnsafe(Number(reply.headers['content-length']));
    let at = 0;
    for await (const chunk of reply.body) at += (chunk as Buffer).copy(body, at);
  }
  for (const until = performance.now() + busyMs; performance.now() < until; );
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length });
  response.end(body);
}

const server = createServer((request, response) => void serve(request, response));
if (role === 'front') server.listen(Number(rest[0]), '127.0.0.1');
else server.listen(rest[0], () => process.send?.('ready'));
process.on('disconnect', () => process.exit(0));
