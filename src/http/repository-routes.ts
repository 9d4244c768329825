/** The model repository extension: what is there, and, where clients may, load and unload. */
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../errors.ts';
import { readBody } from './body.ts';
import { Reservation } from './byte-budget.ts';
import type { Exchange } from './exchange.ts';
import type { Plane } from './plane.ts';
import { addRoute } from './route.ts';

/** A model's configuration is text an operator wrote. */
const MAX_CONTROL_BODY_BYTES = 1024 * 1024;

export function addRepositoryRoutes(app: FastifyInstance, plane: Plane): void {
  const { service } = plane;
  addRoute(app, plane, 'POST', '/v2/repository/index', async (_named, exchange) => {
    const { ready } = await readJsonObject(plane, exchange);
    if (ready !== undefined && typeof ready !== 'boolean') throw invalid('ready: expected true or false');
    return service.index(ready ?? false);
  });
  addRoute(app, plane, 'POST', '/v2/repository/models/:model/load', async ({ model }, exchange) => {
    refuseUnlessExplicit(plane, exchange);
    await service.load(model, configOf(await readJsonObject(plane, exchange)));
  });
  addRoute(app, plane, 'POST', '/v2/repository/models/:model/unload', async ({ model }, exchange) => {
    refuseUnlessExplicit(plane, exchange);
    await readJsonObject(plane, exchange);
    await service.unload(model);
  });
  for (const action of ['index', 'models/:model/load', 'models/:model/unload']) {
    addRoute(app, plane, 'POST', `/v2/repository/:repository/${action}`, () => {
      throw new GatewayError('not-implemented', 'naming a repository is not supported: there is one');
    });
  }
}

/** Browsers say from where a page asks; anything of a page is refused, because its reader's network may reach this port. */
function refuseUnlessExplicit(plane: Plane, { request }: Exchange): void {
  if (request.headers.origin !== undefined) {
    throw new GatewayError('forbidden', 'origin: expected none, loading and unloading are not for web pages');
  }
  if (plane.options.repositoryControl === 'explicit') return;
  throw new GatewayError(
    'forbidden',
    'loading and unloading are not allowed on this port: repositoryControl is not explicit',
  );
}

type JsonObject = Readonly<Record<string, unknown>>;

/** An empty body is an empty object, as the extension has it. Only own keys are ever read. */
async function readJsonObject(plane: Plane, exchange: Exchange): Promise<JsonObject> {
  const reservation = new Reservation(plane.bodies);
  try {
    const body = await readBody(exchange, MAX_CONTROL_BODY_BYTES, reservation);
    return body.length === 0 ? {} : asObject('request body', parseJson(body.toString()));
  } finally {
    reservation.release();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('invalid', 'request body: expected JSON', { cause });
  }
}

function asObject(what: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what}: expected an object`);
  }
  return Object.assign(Object.create(null), value);
}

/** The `config` parameter of a load request; model files in the request are refused. */
function configOf(body: JsonObject): string | undefined {
  const parameters = asObject('parameters', body['parameters'] ?? {});
  if (Object.keys(parameters).some(key => key.startsWith('file:'))) {
    throw new GatewayError('not-implemented', 'parameters: files in a load request are not supported');
  }
  const { config } = parameters;
  if (config !== undefined && typeof config !== 'string') {
    throw invalid('parameters.config: expected a string of JSON');
  }
  return config;
}

function invalid(message: string): GatewayError {
  return new GatewayError('invalid', message);
}
