import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import { answerError } from './answer.ts';
import { ByteBudget } from './byte-budget.ts';
import { CodecThreads } from './codec-threads.ts';
import { Codecs } from './codecs.ts';
import { Connections } from './connections.ts';
import { drain } from './drain.ts';
import { addInferRoutes, inferFirst } from './infer-routes.ts';
import { addMetadataRoutes } from './metadata-routes.ts';
import type { DataPlaneOptions } from './options.ts';
import type { Plane } from './plane.ts';
import { refuseSocket } from './refuse-socket.ts';
import { addRepositoryRoutes } from './repository-routes.ts';
import { takeOver } from './route.ts';
import { createHttpServer } from './server.ts';
import type { DataPlaneService } from './service.ts';

/**
 * The port that applications talk to. It is made, listens once, and closes once: closing makes it report not ready
 * and end each connection with its next answer, while it still serves everything that comes on them.
 */
export interface DataPlane {
  /** Resolves with where it listens; port 0 picks a free one. */
  listen(at: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  /** Stops accepting and resolves when the last connection is closed, after `graceMs` at the latest. */
  close(how: { readonly graceMs: number }): Promise<void>;
  /** Requests not answered yet. */
  readonly inFlight: number;
  /** Bytes of request bodies in memory. */
  readonly bodyBytes: number;
  /** The application itself, for tests that need no socket. */
  readonly app: FastifyInstance;
}

export function createDataPlane(
  service: DataPlaneService,
  options: DataPlaneOptions,
  events: Events,
): DataPlane {
  const connections = new Connections({
    sendMs: options.timeouts.requestMs,
    maxRequestsPerClient: options.limits.maxRequestsPerClient,
    takesConnections: () => service.takesConnections(),
  });
  const bodies = new ByteBudget(options.limits.maxBodiesBytes);
  const codecs = new Codecs(options);
  const threads = new CodecThreads();
  const app = createApp({ service, options, events, connections, bodies, codecs, threads });
  return {
    app,
    listen: async at => {
      await app.listen({ ...at, backlog: 1024 });
      return app.server.address() as AddressInfo;
    },
    close: async ({ graceMs }) => {
      await drain(app.server, connections, graceMs);
      await app.close();
      await threads.close();
    },
    get inFlight() {
      return connections.inFlight;
    },
    get bodyBytes() {
      return bodies.heldBytes;
    },
  };
}

function createApp(plane: Plane): FastifyInstance {
  const { options, connections } = plane;
  const app = fastify({
    serverFactory: handler => createHttpServer(inferFirst(plane, handler), plane),
    clientErrorHandler: (error, socket) => refuseSocket(connections, error, socket),
    frameworkErrors: (error, request, reply) => {
      const code = error.code === 'FST_ERR_MAX_PARAM_LENGTH' ? 'not-found' : 'invalid';
      answerError(
        takeOver(plane, request, reply),
        new GatewayError(code, 'malformed path'),
        options.overloadStatus,
      );
    },
    // Fastify's own limit guards its parsers, and none is left: `readBody` has the limit.
    bodyLimit: options.limits.maxBodyBytes,
    connectionTimeout: 0,
    requestTimeout: options.timeouts.requestMs,
    keepAliveTimeout: options.timeouts.keepAliveMs,
    maxRequestsPerSocket: 0,
    forceCloseConnections: false,
    return503OnClosing: false,
    trustProxy: false,
    exposeHeadRoutes: false,
    logger: false,
    requestIdHeader: false,
    genReqId: () => '',
    routerOptions: {
      caseSensitive: true,
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      allowUnsafeRegex: false,
      maxParamLength: 1024,
      querystringParser: () => ({}),
    },
  });
  leaveBodiesAlone(app);
  addMetadataRoutes(app, plane);
  addRepositoryRoutes(app, plane);
  addInferRoutes(app, plane);
  answerStrays(app, plane);
  return app;
}

/** No method has a body in Fastify's eyes: it neither reads nor judges one by its content type. */
function leaveBodiesAlone(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
}

/** A known path with another verb is 405, everything else 404. What escapes the routes' own handling is a bug: 500. */
function answerStrays(app: FastifyInstance, plane: Plane): void {
  const { overloadStatus } = plane.options;
  app.setNotFoundHandler((request, reply) => {
    const url = request.raw.url?.split('?', 1)[0] ?? '';
    const allowed = ['GET', 'HEAD', 'POST'].filter(method => app.findRoute({ method, url }) !== null);
    const error =
      allowed.length > 0
        ? new GatewayError('method-not-allowed', 'Method Not Allowed')
        : new GatewayError('not-found', 'Not Found');
    const headers = allowed.length > 0 ? ['allow', allowed.join(', ')] : [];
    answerError(takeOver(plane, request, reply), error, overloadStatus, headers);
  });
  app.setErrorHandler((error, request, reply) => {
    answerError(takeOver(plane, request, reply), error, overloadStatus);
  });
}
