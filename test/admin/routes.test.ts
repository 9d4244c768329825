import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { type AdminOptions, createAdminPlane } from '../../src/admin/plane.ts';
import { adminRoutes } from '../../src/admin/routes.ts';
import type { GatewayError } from '../../src/errors.ts';
import { sendRaw } from '../http/raw-client.ts';
import { askable, startPlane } from './ask.ts';
import { fakeService } from './fake-service.ts';

const TOKEN = 'correct-horse-battery-staple';
const routes = adminRoutes(fakeService(), { buildVersion: '1.2.3', secrets: [] });

function aliasesOf(path: string, port: number): readonly string[] {
  return [
    path,
    `${path}/`,
    `${path}?x=1`,
    `${path};x`,
    `/${path}`,
    path.replaceAll('/', '//'),
    `/.${path}`,
    `/x/..${path}`,
    path.toUpperCase(),
    `${path.slice(0, 1)}${path.slice(1).replaceAll('/', '%2F')}`,
    path.replace(/[a-z]/, letter => `%${letter.charCodeAt(0).toString(16)}`),
    `${path}%00`,
    `${path}%zz`,
    `http://127.0.0.1:${port}${path}`,
    `http://localhost${path}`,
  ];
}

test('no route answers a stranger under any alias, with any method', async t => {
  const service = fakeService();
  const { url, ask } = await startPlane(t, { token: TOKEN }, service);
  const port = Number(new URL(url).port);
  const paths = [...new Set(routes.map(({ path }) => askable(path).path)), '/nothing', '/v1'];
  let asked = 0;
  for (const path of paths.flatMap(path => aliasesOf(path, port))) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const { status, text } = await ask({ method, path });
      const malformed = path.endsWith('%zz');
      assert.equal(status, malformed ? 400 : 401, `${method} ${path}`);
      if (method !== 'HEAD') assert.deepEqual(Object.keys(JSON.parse(text)), ['error'], `${method} ${path}`);
      asked++;
    }
  }
  assert.ok(asked > 1500, `${asked} asked`);
  assert.deepEqual(service.calls, []);
});

test('with the token every route answers, as it does without one where none is set', async t => {
  const guarded = await startPlane(t, { token: TOKEN });
  const open = await startPlane(t);
  for (const { method, path } of routes) {
    const asked = { method, ...askable(path) };
    const headers = { authorization: `Bearer ${TOKEN}` };
    assert.equal((await guarded.ask({ ...asked, headers })).status, 200, path);
    assert.equal((await open.ask(asked)).status, 200, path);
  }
});

test('metrics are open to scrapers only where configured, and nothing else is', async t => {
  const { ask } = await startPlane(t, { token: TOKEN, metricsWithoutToken: true });
  assert.equal((await ask({ path: '/metrics' })).status, 200);
  assert.equal((await ask({ method: 'HEAD', path: '/metrics' })).status, 200);
  for (const path of ['/metrics/', '//metrics', '/METRICS', '/metrics/../v1/config', '/v1/config', '/'])
    assert.equal((await ask({ path })).status, 401, path);
});

test('a stranger is asked for the token in both ways, a header for each', async t => {
  const { ask } = await startPlane(t, { token: TOKEN });
  const { headers } = await ask();
  assert.equal(
    headers['www-authenticate'],
    'Basic realm="headgate", charset="UTF-8", Bearer realm="headgate"',
  );
  const authorization = `Basic ${Buffer.from(`operator:${TOKEN}`).toString('base64')}`;
  assert.equal((await ask({ headers: { authorization } })).status, 200);
  assert.equal(
    (await ask({ method: 'POST', path: '/v2/repository/index', headers: { authorization } })).status,
    401,
  );
});

test('a foreign Host or Origin is refused for every route and method', async t => {
  const { ask } = await startPlane(t);
  for (const { path } of routes)
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
      for (const headers of [
        { host: 'evil.example' },
        { origin: 'http://evil.example' },
        { origin: 'null' },
      ]) {
        const answered = await ask({ method, ...askable(path), headers });
        assert.equal(answered.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
        assert.equal(answered.headers['access-control-allow-origin'], undefined);
      }
});

test('a known path with another method is a 405 that says which are allowed, an unknown path a 404', async t => {
  const { ask } = await startPlane(t);
  const { status, headers, text } = await ask({ method: 'DELETE', path: '/v1/models' });
  assert.deepEqual([status, headers.allow, text], [405, 'GET, HEAD', '{"error":"Method Not Allowed"}']);
  assert.equal((await ask({ method: 'GET', path: '/v2/repository/index' })).status, 405);
  assert.deepEqual((await ask({ path: '/v3' })).text, '{"error":"Not Found"}');
  assert.equal((await ask({ path: '/v1/models/' })).status, 404);
});

test('every answer carries the headers that keep other pages out', async t => {
  const { ask } = await startPlane(t);
  for (const path of ['/', '/v1/models', '/nothing', '/%zz', '/metrics']) {
    const { headers } = await ask({ path });
    assert.match(
      headers['content-security-policy'] as string,
      /^default-src 'none'; .*frame-ancestors 'none'$/,
      path,
    );
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
  }
});

const REFUSED: readonly Partial<AdminOptions>[] = [
  { host: '0.0.0.0' },
  { host: '::' },
  { host: '10.0.0.5' },
  { host: '' },
  { host: 'gate.example' },
  { host: '127.1' },
  { host: '127.0.0.1', token: '' },
];

for (const options of REFUSED)
  test(`a plane with ${JSON.stringify(options)} is refused`, () => {
    assert.throws(
      () => createAdminPlane(fakeService(), { host: '127.0.0.1', port: 0, buildVersion: '1', ...options }),
      (error: GatewayError) => error.code === 'invalid' && /^admin\.(host|token): /.test(error.message),
    );
  });

test('loads and unloads reach the service with the model and its configuration', async t => {
  const service = fakeService();
  const { ask } = await startPlane(t, {}, service);
  const post = (path: string, body?: unknown) =>
    ask({
      method: 'POST',
      path: `/v2/repository/${path}`,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  assert.deepEqual(await post('models/digits/load').then(({ status, text }) => [status, text]), [200, '']);
  await post('models/digits/load', { parameters: { config: '{"maxBatchSize":4}' } });
  await post('models/digits/unload', { parameters: { unload_dependents: false } });
  await post('index');
  await post('index', { ready: true });
  assert.deepEqual(service.calls, [
    'load digits undefined',
    'load digits {"maxBatchSize":4}',
    'unload digits',
    'index false',
    'index true',
  ]);
  assert.deepEqual(await post('models/absent/load').then(({ status, text }) => [status, text]), [
    404,
    '{"error":"unknown model"}',
  ]);
});

const BAD_BODIES: readonly [path: string, body: string, status: number][] = [
  ['index', '{"ready":"yes"}', 400],
  ['index', '[]', 400],
  ['index', 'null', 400],
  ['index', '{', 400],
  ['index', '['.repeat(200_000), 400],
  ['index', ' '.repeat(300_000), 413],
  ['models/digits/load', '{"parameters":{"config":{}}}', 400],
  ['models/digits/load', '{"parameters":3}', 400],
  ['models/digits/load', '{"__proto__":{"parameters":{"config":3}}}', 200],
  ['models/digits/load', '{"parameters":{"file:1/model.onnx":"aGk="}}', 501],
  ['models/..%2Fetc/load', '{}', 404],
  ['models/a%2Fb/load', '{}', 404],
  ['models/.hidden/load', '{}', 404],
  [`models/${'m'.repeat(129)}/load`, '{}', 404],
];

for (const [path, body, status] of BAD_BODIES)
  test(`POST ${path.slice(0, 40)} with ${body.slice(0, 45)} answers ${status}`, async t => {
    const service = fakeService();
    const { ask } = await startPlane(t, {}, service);
    const headers = { 'content-type': 'application/json' };
    const answered = await ask({ method: 'POST', path: `/v2/repository/${path}`, body, headers });
    assert.equal(answered.status, status);
    if (status === 200) return;
    assert.deepEqual(Object.keys(JSON.parse(answered.text)), ['error']);
    assert.deepEqual(service.calls, []);
  });

test('not ready is a 503 while live stays 200', async t => {
  const service = fakeService();
  service.ready = false;
  const { ask } = await startPlane(t, {}, service);
  const { status, text, headers } = await ask({ path: '/v2/health/ready' });
  assert.deepEqual([status, text], [503, '{"error":"server is not ready"}']);
  assert.equal(headers['retry-after'], '1');
  assert.equal((await ask({ path: '/v2/health/live' })).status, 200);
});

test('an unexpected failure says nothing to its caller and everything to the log', async t => {
  const seen: unknown[] = [];
  const failure = new Error('/secret/path');
  const workers = () => {
    throw failure;
  };
  const { ask } = await startPlane(t, {}, fakeService({ workers }), error => seen.push(error));
  const { status, text } = await ask({ path: '/v1/workers' });
  assert.deepEqual([status, text], [500, '{"error":"internal error"}']);
  assert.deepEqual(seen, [failure]);
});

test('secrets do not leave with the configuration, whatever its form', async t => {
  const config = () => ({
    admin: { token: TOKEN, host: '127.0.0.1', metricsWithoutToken: true },
    list: [{ key: 'admin.token', value: 'another', origin: 'HEADGATE_ADMIN_TOKEN' }],
    api: { password: { value: 'hidden-too', origin: 'config/headgate.yaml:7' } },
    note: `started with ${TOKEN}`,
  });
  const { ask } = await startPlane(t, { token: TOKEN }, fakeService({ config }));
  const { text } = await ask({ path: '/v1/config', headers: { authorization: `Bearer ${TOKEN}` } });
  assert.deepEqual(JSON.parse(text), {
    admin: { token: '[redacted]', host: '127.0.0.1', metricsWithoutToken: true },
    list: [{ key: 'admin.token', value: '[redacted]', origin: 'HEADGATE_ADMIN_TOKEN' }],
    api: { password: { value: '[redacted]', origin: 'config/headgate.yaml:7' } },
    note: '[redacted]',
  });
});

const MALFORMED: readonly [bytes: string, status: number][] = [
  ['GET / HTTP/1.1\r\nhost : 127.0.0.1\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n', 400],
  ['nonsense\r\n\r\n', 400],
  [`GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
];

for (const [bytes, status] of MALFORMED)
  test(`${JSON.stringify(bytes.slice(0, 60))} answers ${status} and ends the connection`, async t => {
    const { url } = await startPlane(t);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', chunk => {
      text += chunk;
    });
    socket.write(bytes);
    await once(socket, 'close');
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `));
    assert.deepEqual(Object.keys(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))), ['error']);
  });

test('an open request is finished before the plane is closed', async () => {
  const answer = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  const metrics = () => {
    asked.resolve();
    return answer.promise;
  };
  const plane = createAdminPlane(fakeService({ metrics }), { host: '127.0.0.1', port: 0, buildVersion: '1' });
  const url = await plane.listen();
  const scraped = fetch(`${url}/metrics`).then(response => response.text());
  await asked.promise;
  const closed = plane.close();
  answer.resolve('done');
  assert.equal(await scraped, 'done');
  await closed;
});

test('a breaker is opened and closed by hand, and nothing else', async t => {
  const service = fakeService();
  const { ask } = await startPlane(t, {}, service);
  const path = '/v1/models/digits/versions/1/breaker';
  const post = async (body: unknown) =>
    (await ask({ method: 'POST', path, body: JSON.stringify(body) })).status;
  assert.equal(await post({ state: 'open' }), 200);
  assert.equal(await post({ state: 'open', reason: 'maintenance' }), 200);
  assert.equal(await post({ state: 'closed' }), 200);
  for (const wrong of [{}, { state: 'ajar' }, { state: 'open', reason: '' }, { state: 'open', reason: 7 }])
    assert.equal(await post(wrong), 400, JSON.stringify(wrong));
  assert.deepEqual(service.calls, [
    'breaker digits 1 {"state":"open","reason":"opened by hand"}',
    'breaker digits 1 {"state":"open","reason":"maintenance"}',
    'breaker digits 1 {"state":"closed"}',
  ]);
});

test('a request without a Host is refused like one with a foreign one, with an error that can be read', async t => {
  const { url } = await startPlane(t);
  const port = Number(new URL(url).port);
  const { responses } = await sendRaw(port, ['GET /v1/config HTTP/1.1\r\nConnection: close\r\n\r\n']);
  assert.deepEqual(
    responses.map(({ status }) => status),
    [403],
  );
  assert.match(responses[0]?.body.toString() ?? '', /^\{"error":"host: expected/);
});
