import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerError, answerJson } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { checkNames, type Named } from './names.ts';
import type { Plane } from './plane.ts';

/** Its value is the 200 answer's JSON, undefined an empty body; what it throws is the error answer. */
export type Respond = (named: Named, exchange: Exchange) => unknown;

/** Takes the request over from Fastify: bodies, answers and errors are the data plane's own. */
export function takeOver(plane: Plane, request: FastifyRequest, reply: FastifyReply): Exchange {
  reply.hijack();
  return plane.connections.open(request.raw, reply.raw);
}

export function readNamed(request: FastifyRequest): Named {
  const { model, version } = request.params as { model?: string; version?: string };
  return { model: model ?? '', version };
}

/** `GET` includes `HEAD`. */
export function addRoute(
  app: FastifyInstance,
  plane: Plane,
  method: 'GET' | 'POST',
  url: string,
  respond: Respond,
): void {
  app.route({
    method: method === 'GET' ? ['GET', 'HEAD'] : method,
    url,
    handler: (request, reply) => void answerWith(plane, request, reply, respond),
  });
}

async function answerWith(
  plane: Plane,
  request: FastifyRequest,
  reply: FastifyReply,
  respond: Respond,
): Promise<void> {
  const exchange = takeOver(plane, request, reply);
  try {
    const named = readNamed(request);
    if ('model' in (request.params as object)) checkNames(named);
    answerJson(exchange, 200, await respond(named, exchange));
  } catch (thrown) {
    answerError(exchange, thrown, plane.options.overloadStatus);
  }
}

/** Adds the route twice: for the model's default version and for a named one. */
export function addModelRoute(
  app: FastifyInstance,
  plane: Plane,
  method: 'GET' | 'POST',
  suffix: string,
  respond: Respond,
): void {
  addRoute(app, plane, method, `/v2/models/:model${suffix}`, respond);
  addRoute(app, plane, method, `/v2/models/:model/versions/:version${suffix}`, respond);
}
