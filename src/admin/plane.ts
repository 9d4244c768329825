/** The operator's plane: its own server on its own port, on loopback unless a token guards it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { readJsonObject } from '../http/control-body.ts';
import { checkNames } from '../http/names.ts';
import { hostName, isLoopback } from './addresses.ts';
import type { AdminRoute } from './admin-route.ts';
import { sendError } from './answer.ts';
import type { AccessPolicy } from './guard.ts';
import { adminRoutes, METRICS_PATH } from './routes.ts';
import { createGuardedServer } from './server.ts';
import type { AdminService } from './service.ts';
import { createTokenCheck } from './token.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token?: string | undefined;
  /** Names, besides loopback ones, that a Host header may carry. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** May `/metrics` be read without the token? */
  readonly metricsWithoutToken?: boolean | undefined;
  /** Headgate's own version. */
  readonly buildVersion: string;
}

export interface AdminPlane {
  /** Starts to listen; resolves with the URL, or rejects when the port is taken. */
  listen(): Promise<string>;
  /** Stops listening and lets open requests finish for at most `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** Throws `invalid` when others could reach it without a token. `onInternal` sees unexpected failures. */
export function createAdminPlane(
  service: AdminService,
  options: AdminOptions,
  onInternal: (error: unknown) => void = () => {},
): AdminPlane {
  const metricsAreOpen = options.metricsWithoutToken ?? false;
  const app = createGuardedServer(
    accessPolicy(options),
    route => metricsAreOpen && route === METRICS_PATH,
    onInternal,
  );
  const secrets = options.token === undefined ? [] : [options.token];
  for (const route of adminRoutes(service, { buildVersion: options.buildVersion, secrets }))
    addRoute(app, route);
  return {
    listen: () => app.listen({ host: options.host, port: options.port }),
    close: graceMs => close(app, graceMs),
  };
}

function accessPolicy({ host, token, allowedHosts = [] }: AdminOptions): AccessPolicy {
  const isPublic = !isLoopback(host);
  if (token === '') throw new GatewayError('invalid', 'admin.token: expected a text that is not empty');
  if (isPublic && token === undefined)
    throw new GatewayError(
      'invalid',
      `admin.host: ${host} can be reached from other machines: set admin.token too, or listen on 127.0.0.1`,
    );
  const names = isPublic ? [...allowedHosts, host] : allowedHosts;
  return {
    public: isPublic,
    allowedHosts: new Set(names.map(name => hostName(name) ?? name.toLowerCase())),
    checkToken: token === undefined ? undefined : createTokenCheck(token),
  };
}

function addRoute(app: FastifyInstance, { method, path, respond }: AdminRoute): void {
  const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
  app.route({
    method,
    url,
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { model, version } = request.params as { model?: string; version?: string };
      if (model !== undefined) checkNames({ model, version });
      const body = readJsonObject(request.body as Uint8Array | undefined);
      const answer = await respond({ model: model ?? '', version: version ?? '', body });
      if (answer === undefined) return reply.send();
      return reply
        .headers(answer.headers ?? {})
        .type(answer.contentType)
        .send(answer.text);
    },
  });
  refuseOtherMethods(app, url, method === 'GET' ? ['GET', 'HEAD'] : [method]);
}

/** A known path asked with another method is a 405, not a 404. */
function refuseOtherMethods(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  app.route({
    method: app.supportedMethods.filter(method => !allowed.includes(method)),
    url,
    handler: (_request, reply) =>
      sendError(reply.header('allow', allowed.join(', ')), 405, 'Method Not Allowed'),
  });
}

/** Idle connections close at once; whoever is still being answered has the grace. */
async function close(app: FastifyInstance, graceMs = 2000): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), graceMs);
  cut.unref();
  await app.close();
  clearTimeout(cut);
}
