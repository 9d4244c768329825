/** Breakers on the operator's plane: to be seen, and to be opened and closed by hand. */
import { GatewayError } from '../errors.ts';
import { type AdminRoute, json } from './admin-route.ts';
import type { AdminService, WantedBreaker } from './service.ts';

const MAX_REASON_CHARS = 200;

export function breakerRoutes(service: AdminService): AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/breakers',
      summary: 'Whether each version may be asked on each of its workers.',
      answer: 'Breakers',
      respond: () => json(service.breakers()),
    },
    {
      method: 'POST',
      path: '/v1/models/{model}/versions/{version}/breaker',
      summary: 'Takes a version out of service, or puts it back, until it is asked for again.',
      request: 'BreakerRequest',
      respond: ({ model, version, body }) => void service.setBreaker(model, version, wantedOf(body)),
    },
  ];
}

function wantedOf({ state, reason = 'opened by hand' }: Readonly<Record<string, unknown>>): WantedBreaker {
  if (state === 'closed') return { state };
  if (state !== 'open') throw new GatewayError('invalid', 'state: expected open or closed');
  if (typeof reason === 'string' && reason !== '' && reason.length <= MAX_REASON_CHARS)
    return { state, reason };
  throw new GatewayError('invalid', `reason: expected a text of 1 to ${MAX_REASON_CHARS} characters`);
}
