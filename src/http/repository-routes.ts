/** The model repository extension: what is there, and, where clients may, load and unload. */
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../errors.ts';
import { readBody } from './body.ts';
import { Reservation } from './byte-budget.ts';
import { configOf, type JsonObject, readJsonObject, readyOf } from './control-body.ts';
import type { Exchange } from './exchange.ts';
import type { Plane } from './plane.ts';
import { addRoute } from './route.ts';

/** A model's configuration is text an operator wrote. */
const MAX_CONTROL_BODY_BYTES = 1024 * 1024;

export function addRepositoryRoutes(app: FastifyInstance, plane: Plane): void {
  const { service } = plane;
  addRoute(app, plane, 'POST', '/v2/repository/index', async (_named, exchange) => {
    return service.index(readyOf(await readControl(plane, exchange)));
  });
  addRoute(app, plane, 'POST', '/v2/repository/models/:model/load', async ({ model }, exchange) => {
    refuseUnlessExplicit(plane, exchange);
    await service.load(model, configOf(await readControl(plane, exchange)));
  });
  addRoute(app, plane, 'POST', '/v2/repository/models/:model/unload', async ({ model }, exchange) => {
    refuseUnlessExplicit(plane, exchange);
    await readControl(plane, exchange);
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

async function readControl(plane: Plane, exchange: Exchange): Promise<JsonObject> {
  const reservation = new Reservation(plane.bodies);
  try {
    return readJsonObject(await readBody(exchange, MAX_CONTROL_BODY_BYTES, reservation));
  } finally {
    reservation.release();
  }
}
