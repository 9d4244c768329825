/** The HTTP/1.1 server below Fastify: its settings, and what is refused before any route is looked at. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Connections } from './connections.ts';
import type { Plane } from './plane.ts';
import { PAUSED_BYTES } from './read-pacer.ts';
import { refuseConnect } from './refuse-socket.ts';

const MAX_URL_LENGTH = 2048;
const MAX_HEADERS = 256;

export function createHttpServer(handler: RequestListener, plane: Plane): Server {
  const { options } = plane;
  const { headersMs, requestMs, keepAliveMs } = options.timeouts;
  const server = createServer({
    maxHeaderSize: options.limits.maxHeaderBytes,
    headersTimeout: Math.min(headersMs, requestMs),
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    // How late the two timeouts above may strike.
    connectionsCheckingInterval: Math.ceil(Math.min(1000, headersMs, requestMs) / 2),
    insecureHTTPParser: false,
    // Checked in `refusalOf`, which answers with a body.
    requireHostHeader: false,
    joinDuplicateHeaders: false,
    noDelay: true,
    highWaterMark: PAUSED_BYTES,
  });
  // Node's own limit (2,000 names and values) drops the headers beyond it; all are kept here, and too many refused.
  server.maxHeadersCount = 0;
  server.maxRequestsPerSocket = 0;
  server.maxConnections = options.limits.maxConnections;
  // A connection may be silent as long as its model runs: slow heads, bodies, readers and idlers have their own limits.
  server.timeout = 0;
  listen(server, handler, plane);
  return server;
}

function listen(server: Server, handler: RequestListener, plane: Plane): void {
  const { connections } = plane;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    // Upgrades are ignored, as a server may; what a client sends behind one is not read as HTTP by the parser.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    const refusal = refusalOf(request);
    if (refusal === undefined) handler(request, response as Parameters<RequestListener>[1]);
    else refuse(connections, request, response, refusal);
  };
  server.on('connection', socket => connections.accept(socket));
  server.on('drop', () => plane.events.emit('connection:dropped'));
  // As node:http does when nobody listens.
  server.on('timeout', socket => {
    if (connections.of(socket)?.waitsUnseen !== true) socket.destroy();
  });
  server.on('request', serve);
  // The body reader sends `100 Continue` once it wants the body; until then a refusal costs the client nothing.
  server.on('checkContinue', serve);
  server.on('checkExpectation', (request, response) => {
    refuse(connections, request, response, { status: 417, text: 'expect: expected 100-continue or nothing' });
  });
  server.on('connect', (_request, socket) => refuseConnect(socket));
}

interface Refusal {
  readonly status: number;
  readonly text: string;
}

function refusalOf(request: IncomingMessage): Refusal | undefined {
  // The parser takes a line without a version for HTTP/0.9, and then methods that no router has heard of.
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') {
    return { status: 400, text: 'request line: expected HTTP/1.1 or HTTP/1.0' };
  }
  if ((request.url ?? '').length > MAX_URL_LENGTH) {
    return { status: 414, text: `request target: expected at most ${MAX_URL_LENGTH} characters` };
  }
  if (request.rawHeaders.length > MAX_HEADERS * 2) {
    return { status: 431, text: `expected at most ${MAX_HEADERS} headers` };
  }
  if (request.headers.host === undefined && request.httpVersion === '1.1') {
    return { status: 400, text: 'host: expected the header, as HTTP/1.1 demands' };
  }
  return undefined;
}

/** The connection is not trusted any further. */
function refuse(
  connections: Connections,
  request: IncomingMessage,
  response: ServerResponse,
  { status, text }: Refusal,
): void {
  response.shouldKeepAlive = false;
  const body = Buffer.from(JSON.stringify({ error: text }));
  connections.open(request, response).answer(status, ['content-type', 'application/json'], [body]);
}
