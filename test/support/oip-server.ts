/** A server that speaks Open Inference Protocol v2 in JSON alone, sharing no code with Headgate: y = 2x over four columns. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer, Server } from 'node:https';
import type { TestContext } from 'node:test';
import type { TlsOptions } from 'node:tls';

export interface OipServer {
  url: string;
  /** What the next inferences are answered with instead; undefined: the answer. */
  refuseWith: number | undefined;
  /** What it says then. */
  refusal: string;
  /** Whether its metadata names the model's tensors. */
  describes: boolean;
  isReady: boolean;
  /** What it says to binary tensors. */
  refusesBinaryWith: number;
  /** Announced, though it is not true. */
  extensions: readonly string[];
  inputName: string;
  /** Held back until it resolves. */
  hold: Promise<void> | undefined;
  /** Nobody listens there until `resume`. */
  stop: () => Promise<void>;
  resume: () => Promise<void>;
  /** Shows another certificate to whoever connects from now on. */
  renew: (tls: TlsOptions) => void;
  readonly seen: { infers: number; binary: number; atOnce: number; most: number; authorization: string };
}

interface Body {
  readonly inputs: readonly [{ readonly shape: readonly number[]; readonly data: readonly number[] }];
}

export async function startOipServer(t: TestContext, tls?: TlsOptions): Promise<OipServer> {
  const server: OipServer = {
    url: '',
    refuseWith: undefined,
    refusal: '{"error":"not now"}',
    describes: true,
    isReady: true,
    refusesBinaryWith: 400,
    extensions: [],
    inputName: 'x',
    hold: undefined,
    stop: async () => undefined,
    resume: async () => undefined,
    renew: () => undefined,
    seen: { infers: 0, binary: 0, atOnce: 0, most: 0, authorization: '' },
  };
  const listener: RequestListener = (request, response) => {
    void answer(server, request).then(([status, body]) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
  };
  const listening = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await once(listening.listen(0, '127.0.0.1'), 'listening');
  const address = listening.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  server.stop = async () => {
    if (!listening.listening) return;
    const closed = once(listening.close(), 'close');
    listening.closeAllConnections();
    await closed;
  };
  server.resume = async () => void (await once(listening.listen(port, '127.0.0.1'), 'listening'));
  server.renew = more => {
    if (listening instanceof Server) listening.setSecureContext({ ...tls, ...more });
  };
  t.after(server.stop);
  return server;
}

async function answer(server: OipServer, request: IncomingMessage): Promise<[status: number, body: unknown]> {
  const { url = '' } = request;
  server.seen.authorization = request.headers.authorization ?? '';
  if (url === '/v2') return [200, { name: 'double', version: '1', extensions: server.extensions }];
  if (url === '/v2/models/double/ready') return [server.isReady ? 200 : 503, {}];
  if (url.endsWith('/infer')) return infer(server, request);
  if (!server.describes) return [200, { name: 'double', inputs: [], outputs: [] }];
  const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 4] });
  return [200, { name: 'double', inputs: [tensor(server.inputName)], outputs: [tensor('y')] }];
}

async function infer(server: OipServer, request: IncomingMessage): Promise<[status: number, body: unknown]> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { seen } = server;
  seen.infers++;
  if (request.headers['inference-header-content-length'] !== undefined) {
    seen.binary++;
    return [server.refusesBinaryWith, { error: 'not JSON' }];
  }
  if (server.refuseWith !== undefined) return [server.refuseWith, server.refusal];
  seen.most = Math.max(seen.most, ++seen.atOnce);
  await server.hold;
  seen.atOnce--;
  const { inputs } = JSON.parse(Buffer.concat(chunks).toString()) as Body;
  const [{ shape, data }] = inputs;
  return [200, { outputs: [{ name: 'y', datatype: 'FP32', shape, data: data.map(value => 2 * value) }] }];
}
