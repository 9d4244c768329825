import assert from 'node:assert/strict';
import test from 'node:test';
import { askable, startPlane } from './ask.ts';

type Json = Record<string, unknown>;
type Document = {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Json>>;
  components: Json;
};

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

test('the document names exactly the routes that answer', async t => {
  const { ask } = await startPlane(t);
  const document = JSON.parse((await ask({ path: '/v1/openapi.json' })).text) as Document;
  assert.equal(document.openapi, '3.1.0');
  const described = Object.entries(document.paths)
    .flatMap(([path, operations]) => Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`))
    .sort();
  assert.deepEqual(described, [
    'GET /',
    'GET /metrics',
    'GET /v1/breakers',
    'GET /v1/config',
    'GET /v1/learned',
    'GET /v1/models',
    'GET /v1/openapi.json',
    'GET /v1/pressure',
    'GET /v1/workers',
    'GET /v2/health/live',
    'GET /v2/health/ready',
    'GET /v2/models/stats',
    'POST /v1/models/{model}/cache/purge',
    'POST /v1/models/{model}/versions/{version}/breaker',
    'POST /v2/repository/index',
    'POST /v2/repository/models/{model}/load',
    'POST /v2/repository/models/{model}/unload',
  ]);
  for (const path of Object.keys(document.paths))
    for (const method of METHODS) {
      const { status } = await ask({ method, ...askable(path) });
      const isDescribed = described.includes(`${method} ${path}`);
      assert.equal(status, isDescribed ? 200 : 405, `${method} ${path}`);
    }
});

test('what the document says of an answer is what is answered', async t => {
  const { ask } = await startPlane(t);
  const { paths } = JSON.parse((await ask({ path: '/v1/openapi.json' })).text) as Document;
  for (const [path, operations] of Object.entries(paths))
    for (const [method, operation] of Object.entries(operations)) {
      const { headers, text } = await ask({
        method: method.toUpperCase(),
        ...askable(path),
      });
      const responses = operation['responses'] as Record<string, { content?: Json }>;
      const [described] = Object.keys(responses['200']?.content ?? {});
      assert.equal(headers['content-type']?.split(';')[0], described, path);
      assert.equal(text === '', described === undefined, path);
    }
});

test('every reference leads to a schema, and every schema is used', async t => {
  const { ask } = await startPlane(t);
  const { text } = await ask({ path: '/v1/openapi.json' });
  const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(match => match[1]));
  const { components } = JSON.parse(text) as Document;
  assert.deepEqual([...used].sort(), Object.keys(components['schemas'] as Json).sort());
});

test('operations have names of their own', async t => {
  const { ask } = await startPlane(t);
  const { paths } = JSON.parse((await ask({ path: '/v1/openapi.json' })).text) as Document;
  const names = Object.values(paths).flatMap(operations =>
    Object.values(operations).map(one => one['operationId']),
  );
  assert.equal(new Set(names).size, names.length);
});
