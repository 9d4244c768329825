/** What can be asked without running a model: health, metadata, configuration, statistics. */
import type { FastifyInstance } from 'fastify';
import { modelMetadata, modelReady, serverMetadata } from '../protocol/metadata.ts';
import { answerJson } from './answer.ts';
import type { Plane } from './plane.ts';
import { addModelRoute, addRoute } from './route.ts';

export function addMetadataRoutes(app: FastifyInstance, plane: Plane): void {
  const { service, options } = plane;
  const about = (): unknown => serverMetadata('headgate', options.serverVersion);
  addRoute(app, plane, 'GET', '/v2', about);
  addRoute(app, plane, 'GET', '/v2/', about);
  addHealthRoutes(app, plane);
  addRoute(app, plane, 'GET', '/v2/models/stats', () => ({ model_stats: service.statistics() }));
  addModelRoute(app, plane, 'GET', '', ({ model, version }) => {
    const target = service.target(model, version);
    return modelMetadata(model, service.readyVersions(model), target);
  });
  addModelRoute(app, plane, 'GET', '/ready', ({ model, version }) => {
    service.target(model, version);
    return modelReady(model, true);
  });
  addModelRoute(app, plane, 'GET', '/config', ({ model, version }) => service.modelConfig(model, version));
  addModelRoute(app, plane, 'GET', '/stats', ({ model, version }) => ({
    model_stats: service.statistics(model, version),
  }));
}

/**
 * Live while the process answers, also while draining. Not ready is 503, as Triton answers while it exits and as load
 * balancers expect; Triton's 400 for a required model that is not ready is 503 here too.
 */
function addHealthRoutes(app: FastifyInstance, plane: Plane): void {
  addRoute(app, plane, 'GET', '/v2/health/live', () => ({ live: true }));
  addRoute(app, plane, 'GET', '/v2/health/ready', (_named, exchange) => {
    const ready = !plane.connections.isLeaving && plane.service.isReady();
    answerJson(exchange, ready ? 200 : 503, { ready, live: true });
  });
}
