/** The OpenAPI document of the operator's plane, from its table of routes. */
import { NAME_PATTERN } from '../http/names.ts';
import type { AdminRoute } from './admin-route.ts';
import { SCHEMAS } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

export function openApiOf(routes: readonly AdminRoute[], buildVersion: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: "Headgate: the operator's plane",
      version: buildVersion,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, {}],
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The admin token, where one is configured.' },
      },
    },
  };
}

function operationOf({ method, path, summary, request, answer }: AdminRoute): Json {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: NAME_PATTERN },
  }));
  return {
    operationId: operationId(method, path),
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(request !== undefined && { requestBody: { required: false, content: contentOf(request) } }),
    responses: {
      200: { description: 'Done.', ...(answer !== undefined && { content: contentOf(answer) }) },
      default: { description: 'What was wrong, and what was expected.', content: contentOf('Error') },
    },
  };
}

/** A media type stands for text of that type, anything else names a schema of JSON. */
function contentOf(schema: string): Json {
  if (schema.includes('/')) return { [schema]: { schema: { type: 'string' } } };
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}

function operationId(method: string, path: string): string {
  const words = path.split(/[/{}.]+/).filter(word => word !== '');
  return [method.toLowerCase(), ...(words.length === 0 ? ['page'] : words)].join('_');
}
