/** The server below the operator's plane: its limits, and the guard in front of every route. */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { answerThrown, sendError } from './answer.ts';
import { type AccessPolicy, type Knock, refusalOf } from './guard.ts';

const MAX_BODY_BYTES = 256 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 256;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const KEEP_ALIVE_MS = 60_000;

/** On every answer; the page says more of what it may do. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Two headers: Chromium reads one challenge of each. */
const CHALLENGES = ['Basic realm="headgate", charset="UTF-8"', 'Bearer realm="headgate"'];

/** A server without routes. `isOpen` says whether a route's path, as it was registered, is read without a token. */
export function createGuardedServer(
  policy: AccessPolicy,
  isOpen: (route: string | undefined) => boolean,
  onInternal: (error: unknown) => void,
): FastifyInstance {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The guard refuses a request without a Host; node:http's own refusal has no body.
    http: { headersTimeout: HEADERS_MS, maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false },
    return503OnClosing: false,
    // Longer names are refused like other bad ones, behind the guard.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    clientErrorHandler: refuseMalformed,
    // A path that cannot be decoded reaches no hook; it is answered the same whoever asks.
    frameworkErrors: (_error, _request, reply) =>
      sendError(reply.headers(SECURITY_HEADERS), 400, 'path: expected a well-formed one'),
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((thrown, _request, reply) => answerThrown(reply, thrown, onInternal));
  guard(app, policy, isOpen);
  app.setNotFoundHandler((_request, reply) => sendError(reply, 404, 'Not Found'));
  return app;
}

/** Runs for every request, also those for unknown paths and methods. */
function guard(
  app: FastifyInstance,
  policy: AccessPolicy,
  isOpen: (route: string | undefined) => boolean,
): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    const refusal = refusalOf(knockOf(request.raw, isOpen(request.routeOptions.url)), policy);
    if (refusal === undefined) return done();
    if (refusal.status === 401) reply.header('www-authenticate', CHALLENGES);
    sendError(reply, refusal.status, refusal.message);
  });
}

/** Bytes that are no request: nothing of them is believed, and the connection ends. */
function refuseMalformed(error: Error & { code: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const body = JSON.stringify({ error: `malformed request: ${STATUS_CODES[status]}` });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function knockOf({ method = '', url = '', headers, rawHeaders }: IncomingMessage, open: boolean): Knock {
  const text = (name: string) => headers[name]?.toString();
  return {
    method,
    target: url,
    hosts: rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'host'),
    origin: headers.origin,
    fetchSite: text('sec-fetch-site'),
    fetchMode: text('sec-fetch-mode'),
    authorization: headers.authorization,
    contentType: headers['content-type'],
    open,
  };
}
