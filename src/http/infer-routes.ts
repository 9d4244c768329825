import type { RequestListener } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { InferCall } from './infer.ts';
import { namedIn } from './infer-path.ts';
import type { Plane } from './plane.ts';
import { readNamed, takeOver } from './route.ts';

/**
 * Starts inferences under their plain path before `handler`, Fastify, sees them: its request, reply and routing would
 * be made only to be put aside, for 4.5 µs of CPU (45 µs a request without them, 50 with, interleaved). Everything else is the handler's, the same path written otherwise included.
 */
export function inferFirst(plane: Plane, handler: RequestListener): RequestListener {
  return (request, response) => {
    const named = request.method === 'POST' ? namedIn(request.url ?? '') : undefined;
    if (named === undefined) handler(request, response);
    else {
      const exchange = plane.connections.open(request, response);
      void new InferCall(plane, exchange).run(named, exchange);
    }
  };
}

export function addInferRoutes(app: FastifyInstance, plane: Plane): void {
  for (const url of ['/v2/models/:model/infer', '/v2/models/:model/versions/:version/infer']) {
    app.post(url, (request, reply) => {
      const exchange = takeOver(plane, request, reply);
      void new InferCall(plane, exchange).run(readNamed(request), exchange);
    });
  }
}
