/** An HTTP server that does with each request what the test says, and holds answers until the test lets them go. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Obey = (
  body: string,
  response: ServerResponse,
  request: IncomingMessage,
  nth: number,
) => void | Promise<void>;

export interface ObedientServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Bodies in the order they came. */
  readonly seen: string[];
  readonly connections: () => number;
}

export async function obedientServer(obey: Obey = echo): Promise<ObedientServer> {
  const seen: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1');
      seen.push(body);
      void obey(body, response, request, seen.length - 1);
    });
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    seen,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

export function echo(body: string, response: ServerResponse): void {
  response.setHeader('content-length', Buffer.byteLength(body, 'latin1'));
  response.end(body, 'latin1');
}

/** A whole request with this body. */
export function post(body: string): Uint8Array {
  const head = `POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n`;
  return Buffer.from(head + body, 'latin1');
}
