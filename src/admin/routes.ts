/** Every route of the operator's plane, in one table: the server and its OpenAPI document are both made from it. */
import { GatewayError } from '../errors.ts';
import { configOf, readyOf } from '../http/control-body.ts';
import { type AdminRoute, json } from './admin-route.ts';
import { breakerRoutes } from './breaker-routes.ts';
import { openApiOf } from './openapi.ts';
import { page, pageHeaders } from './page.ts';
import { redact } from './redact.ts';
import type { AdminService } from './service.ts';

export interface RouteOptions {
  readonly buildVersion: string;
  /** Texts that must never be shown, wherever they appear. */
  readonly secrets: readonly string[];
}

export const METRICS_PATH = '/metrics';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function adminRoutes(service: AdminService, options: RouteOptions): readonly AdminRoute[] {
  const routes: AdminRoute[] = [
    ...statusRoutes(service),
    ...tableRoutes(service, options),
    ...repositoryRoutes(service),
    ...cacheRoutes(service),
    ...breakerRoutes(service),
  ];
  const document: AdminRoute = {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This description of every route.',
    answer: 'OpenApi',
    respond: () => json(openApiOf([...routes, document], options.buildVersion)),
  };
  return [...routes, document];
}

function statusRoutes(service: AdminService): AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/',
      summary: 'A page that shows models, workers and rates.',
      answer: 'text/html',
      respond: () => ({ contentType: 'text/html; charset=utf-8', text: page, headers: pageHeaders }),
    },
    {
      method: 'GET',
      path: METRICS_PATH,
      summary: "Metrics in Prometheus' text format.",
      answer: 'text/plain',
      respond: async () => ({ contentType: METRICS_TYPE, text: await service.metrics() }),
    },
    {
      method: 'GET',
      path: '/v2/health/live',
      summary: 'Whether the process answers.',
      answer: 'Live',
      respond: () => json({ live: true }),
    },
    {
      method: 'GET',
      path: '/v2/health/ready',
      summary: 'Whether every required model can answer; 503 when not.',
      answer: 'Ready',
      respond: () => {
        if (!service.isReady()) throw new GatewayError('unavailable', 'server is not ready');
        return json({ live: true, ready: true });
      },
    },
  ];
}

function tableRoutes(service: AdminService, { secrets }: RouteOptions): AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/models',
      summary: 'Every version of every model: its state and where each of its settings comes from.',
      answer: 'Models',
      respond: () => json(redact(service.models(), secrets)),
    },
    {
      method: 'GET',
      path: '/v1/workers',
      summary: 'Every worker process.',
      answer: 'Workers',
      respond: () => json(redact(service.workers(), secrets)),
    },
    {
      method: 'GET',
      path: '/v1/learned',
      summary: 'How long batches were learned to take, and which sizes pay, for every version.',
      answer: 'Learned',
      respond: () => json(service.learned()),
    },
    {
      method: 'GET',
      path: '/v1/pressure',
      summary: 'How short of memory and time the gateway is, and what it has given up for that.',
      answer: 'Pressure',
      respond: () => json(service.pressure()),
    },
    {
      method: 'GET',
      path: '/v1/config',
      summary: 'The effective options and where each comes from, without secrets.',
      answer: 'Config',
      respond: () => json(redact(service.config(), secrets)),
    },
    {
      method: 'GET',
      path: '/v2/models/stats',
      summary: "Every version's statistics, as Triton defines them.",
      answer: 'Statistics',
      respond: () => json({ model_stats: service.statistics() }),
    },
  ];
}

function repositoryRoutes(service: AdminService): AdminRoute[] {
  return [
    {
      method: 'POST',
      path: '/v2/repository/index',
      summary: 'The models in the repository and their states.',
      request: 'IndexRequest',
      answer: 'Index',
      respond: ({ body }) => json(service.index(readyOf(body))),
    },
    {
      method: 'POST',
      path: '/v2/repository/models/{model}/load',
      summary: 'Loads a model, or loads it anew; answers when its versions are ready.',
      request: 'LoadRequest',
      respond: async ({ model, body }) => void (await service.load(model, configOf(body))),
    },
    {
      method: 'POST',
      path: '/v2/repository/models/{model}/unload',
      summary: 'Unloads every version of a model.',
      request: 'UnloadRequest',
      respond: async ({ model }) => void (await service.unload(model)),
    },
  ];
}

function cacheRoutes(service: AdminService): AdminRoute[] {
  return [
    {
      method: 'POST',
      path: '/v1/models/{model}/cache/purge',
      summary: 'Drops the results that are kept of a model, or of one of its versions.',
      request: 'PurgeRequest',
      answer: 'Purged',
      respond: async ({ model, body }) => json({ purged: await service.purge(model, versionOf(body)) }),
    },
  ];
}

/** `version` of a request's body: a number, as text or not. */
function versionOf({ version }: Readonly<Record<string, unknown>>): string | undefined {
  if (version === undefined) return undefined;
  const text = typeof version === 'number' ? String(version) : version;
  if (typeof text === 'string' && /^\d{1,16}$/.test(text)) return text;
  throw new GatewayError('invalid', "version: expected a version's number");
}
