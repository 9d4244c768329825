/** The worker's HTTP server: routes of Open Inference Protocol v2 over a Unix socket, for one trusted gateway. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createNetServer, type Server as NetServer } from 'node:net';
import { GatewayError } from '../errors.ts';
import { parseLoadRequest } from '../protocol/load-order.ts';
import { modelMetadata } from '../protocol/metadata.ts';
import { answerError, answerJson } from './answer.ts';
import { acceptConnection } from './infer-connection.ts';
import { bodyLength, inferOverHttp } from './infer-over-http.ts';
import type { Models } from './models.ts';

const MAX_DOCUMENT_BYTES = 4 * 2 ** 20;

type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** Serves everything; inference as the gateway sends it goes past node:http (`infer-connection.ts`). */
export function createWorkerServer(models: Models): NetServer {
  const http = createHttpServer(models);
  return createNetServer({ noDelay: true }, accepted => acceptConnection(accepted, models, http));
}

function createHttpServer(models: Models): Server {
  const server = createServer(
    // The gateway's own timeouts decide; a connection lives as long as the gateway keeps it.
    { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: true },
    (req, res) => {
      res.sendDate = false;
      void answer(models, req, res);
    },
  );
  server.timeout = 0;
  return server;
}

async function answer(models: Models, req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    await route(models, req.method ?? '', pathSegments(req.url ?? ''))(req, res);
  } catch (error) {
    // What is left of the body would be read as the next request.
    if (!req.complete) res.setHeader('connection', 'close');
    answerError(res, error);
  }
}

function route(models: Models, method: string, segments: readonly string[]): Handler {
  const [v2, kind, name, versions, version, verb] = segments;
  const found = v2 === 'v2' ? `${method} ${kind} ${segments.length}` : '';
  switch (found) {
    case 'POST models 6':
      if (versions !== 'versions' || verb !== 'infer') break;
      return (req, res) => infer(models, name as string, version as string, req, res);
    case 'GET models 5':
      if (versions !== 'versions') break;
      return (_req, res) => metadata(models, name as string, version as string, res);
    case 'GET health 3':
      if (name !== 'live' && name !== 'ready') break;
      return (_req, res) =>
        answerJson(res, 200, name === 'live' ? { live: true } : { ready: true, live: true });
    case 'GET worker 2':
      return (_req, res) => answerJson(res, 200, status(models));
    case 'POST repository 5':
      return repositoryHandler(models, versions as string, version as string);
  }
  throw new GatewayError('not-found', 'Not Found');
}

/** `/v2/repository/models/{model}/load` and `…/unload`. */
function repositoryHandler(models: Models, model: string, verb: string): Handler {
  return async (req, res) => {
    if (verb !== 'load' && verb !== 'unload') throw new GatewayError('not-found', 'Not Found');
    const body = await readDocument(req);
    if (verb === 'load') await models.load(model, parseLoadRequest(body));
    else await models.unload(model, unloadVersion(body));
    answerJson(res, 200);
  };
}

function infer(
  models: Models,
  name: string,
  version: string,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  inferOverHttp(models.get(name, version), req, res);
}

function metadata(models: Models, name: string, version: string, res: ServerResponse): void {
  answerJson(
    res,
    200,
    modelMetadata(name, [version], {
      signature: models.get(name, version).signature,
      rowTolerance: undefined,
    }),
  );
}

function status(models: Models): unknown {
  return {
    pid: process.pid,
    rssBytes: process.memoryUsage.rss(),
    models: models.list().map(({ name, version, instances, running, requests }) => ({
      name,
      version,
      instances,
      running,
      requests,
    })),
  };
}

function unloadVersion(body: string): string {
  let version: unknown;
  try {
    version = (JSON.parse(body) as { parameters?: { version?: unknown } } | null)?.parameters?.version;
  } catch {
    throw new GatewayError('invalid', 'body: expected JSON');
  }
  if (typeof version === 'string') return version;
  throw new GatewayError('invalid', 'parameters.version: expected a string');
}

async function readDocument(req: IncomingMessage): Promise<string> {
  if (bodyLength(req) > MAX_DOCUMENT_BYTES)
    throw new GatewayError('too-large', `body: expected at most ${MAX_DOCUMENT_BYTES} bytes`);
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function pathSegments(url: string): readonly string[] {
  try {
    return (url.split('?', 1)[0] as string).split('/').slice(1).map(decodeURIComponent);
  } catch {
    throw new GatewayError('not-found', 'Not Found');
  }
}
