import assert from 'node:assert/strict';
import test from 'node:test';
import { jsonBody } from './infer-bodies.ts';
import { sendRaw } from './raw-client.ts';
import { OPTIONS, startPlane } from './start-plane.ts';

for (const [path, expected] of [
  ['/v2/health/live', { live: true }],
  ['/v2/health/ready', { ready: true, live: true }],
  ['/v2/models/identity/ready', { name: 'identity', ready: true }],
  ['/v2/models/identity/versions/1/ready', { name: 'identity', ready: true }],
  ['/v2/models/identity/versions/candidate/ready', { name: 'identity', ready: true }],
  ['/v2/models/identity/config', { name: 'identity', platform: 'onnxruntime_onnx', max_batch_size: 64 }],
  [
    '/v2/models/identity/versions/1/config',
    { name: 'identity', platform: 'onnxruntime_onnx', max_batch_size: 64 },
  ],
  ['/v2/models/stats', { model_stats: [{ name: 'identity', version: '1', inference_count: 0 }] }],
  ['/v2/models/identity/stats', { model_stats: [{ name: 'identity', version: '1', inference_count: 0 }] }],
  [
    '/v2/models/identity/versions/1/stats',
    { model_stats: [{ name: 'identity', version: '1', inference_count: 0 }] },
  ],
] as const) {
  test(`GET ${path}`, async t => {
    const { url } = await startPlane(t);
    const response = await fetch(url + path);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/json');
    assert.deepEqual(await response.json(), expected);
    const head = await fetch(url + path, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), response.headers.get('content-length'));
  });
}

test('the server says its name, version and extensions, with and without a trailing slash', async t => {
  const { url } = await startPlane(t);
  const metadata = (await (await fetch(`${url}/v2`)).json()) as Record<string, unknown>;
  assert.equal(metadata['name'], 'headgate');
  assert.equal(metadata['version'], '0.0.0-test');
  assert.ok((metadata['extensions'] as string[]).includes('binary_tensor_data'));
  assert.deepEqual(await (await fetch(`${url}/v2/`)).json(), metadata);
});

test('a model says its versions and tensors, the batch axis as -1', async t => {
  const { url } = await startPlane(t);
  for (const path of ['/v2/models/identity', '/v2/models/identity/versions/1']) {
    assert.deepEqual(await (await fetch(url + path)).json(), {
      name: 'identity',
      versions: ['1'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, -1] }],
      outputs: [{ name: 'Y', datatype: 'FP32', shape: [-1, -1] }],
    });
  }
});

test('a required model that cannot answer makes the server not ready, and live still', async t => {
  const { url, service } = await startPlane(t);
  service.ready = false;
  const response = await fetch(`${url}/v2/health/ready`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { ready: false, live: true });
  assert.equal((await fetch(`${url}/v2/health/live`)).status, 200);
});

for (const [path, status] of [
  ['/v2/models/unknown', 404],
  ['/v2/models/unknown/ready', 404],
  ['/v2/models/identity/versions/9', 404],
  ['/v2/models/identity/versions/9/stats', 404],
  ['/v2/models/loading/ready', 503],
  ['/v2/models/loading', 503],
  ['/v2/trace/setting', 404],
] as const) {
  test(`GET ${path} is ${status}`, async t => {
    const { url } = await startPlane(t);
    const response = await fetch(url + path);
    assert.equal(response.status, status);
    assert.equal(typeof (await errorOf(response)), 'string');
  });
}

test('a wrong verb is 405, and the right ones are named', async t => {
  const { plane } = await startPlane(t);
  const routes = [
    ['/v2', 'GET, HEAD'],
    ['/v2/', 'GET, HEAD'],
    ['/v2/health/live', 'GET, HEAD'],
    ['/v2/models/stats', 'GET, HEAD'],
    ['/v2/models/identity', 'GET, HEAD'],
    ['/v2/models/identity/versions/1/config', 'GET, HEAD'],
    ['/v2/models/identity/infer', 'POST'],
    ['/v2/models/identity/versions/1/infer', 'POST'],
    ['/v2/repository/index', 'POST'],
    ['/v2/repository/models/identity/load', 'POST'],
    ['/v2/repository/models/identity/unload', 'POST'],
  ] as const;
  for (const [url, allow] of routes) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const) {
      if (allow.split(', ').includes(method)) continue;
      const response = await plane.app.inject({ method: method as 'GET', url });
      assert.equal(response.statusCode, 405, `${method} ${url}`);
      assert.equal(response.headers.allow, allow);
      if (method !== 'HEAD') assert.deepEqual(response.json(), { error: 'Method Not Allowed' });
    }
  }
});

async function errorOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: string }).error;
}

function post(url: string, body?: string): Promise<Response> {
  return fetch(url, { method: 'POST', ...(body === undefined ? {} : { body }) });
}

test('the repository index lists models with their states, or only the ready ones', async t => {
  const { url } = await startPlane(t);
  const index = `${url}/v2/repository/index`;
  const identity = { name: 'identity', version: '1', state: 'READY', reason: '' };
  const loading = { name: 'loading', version: '1', state: 'LOADING', reason: '' };
  assert.deepEqual(await (await post(index)).json(), [identity, loading]);
  assert.deepEqual(await (await post(index, '{"ready":false}')).json(), [identity, loading]);
  assert.deepEqual(await (await post(index, '{"ready":true}')).json(), [identity]);
  for (const bad of ['{"ready":1}', '[', '[]', 'null'])
    assert.equal((await post(index, bad)).status, 400, bad);
});

test('loading and unloading are forbidden unless configured', async t => {
  const { url, service } = await startPlane(t);
  for (const action of ['load', 'unload']) {
    const response = await post(`${url}/v2/repository/models/identity/${action}`);
    assert.equal(response.status, 403);
    assert.match(await errorOf(response), /repositoryControl/);
  }
  assert.deepEqual(service.calls, []);
});

test('loads, with or without a configuration, and unloads', async t => {
  const { url, service } = await startPlane(t, { repositoryControl: 'explicit' });
  const models = `${url}/v2/repository/models`;
  const responses = [
    await post(`${models}/a/load`),
    await post(`${models}/b/load`, JSON.stringify({ parameters: { config: '{"maxBatchSize":2}' } })),
    await post(`${models}/c/unload`, JSON.stringify({ parameters: { unload_dependents: false } })),
  ];
  for (const response of responses) assert.deepEqual([response.status, await response.text()], [200, '']);
  assert.deepEqual(service.calls, ['load a undefined', 'load b {"maxBatchSize":2}', 'unload c']);
});

test('loads and unloads nothing for web pages', async t => {
  const { url, service } = await startPlane(t, { repositoryControl: 'explicit' });
  for (const action of ['load', 'unload']) {
    const address = `${url}/v2/repository/models/a/${action}`;
    const response = await fetch(address, { method: 'POST', headers: { origin: url } });
    assert.equal(response.status, 403);
  }
  assert.deepEqual(service.calls, []);
});

for (const [body, status] of [
  ['{"parameters":{"file:1/model.onnx":"AA=="}}', 501],
  ['{"parameters":{"config":{}}}', 400],
  ['{"parameters":[]}', 400],
  ['{"__proto__":{"parameters":{"config":"x"}}}', 200],
  [' '.repeat(1024 * 1024 + 1), 413],
] as const) {
  test(`a load request of ${body.slice(0, 40).trim()}… is ${status}`, async t => {
    const { url, service } = await startPlane(t, {
      repositoryControl: 'explicit',
      limits: { ...OPTIONS.limits, maxBodyBytes: 8 * 1024 * 1024 },
    });
    assert.equal((await post(`${url}/v2/repository/models/a/load`, body)).status, status);
    assert.deepEqual(service.calls, status === 200 ? ['load a undefined'] : []);
  });
}

test('naming a repository is not implemented', async t => {
  const { url } = await startPlane(t, { repositoryControl: 'explicit' });
  for (const path of ['other/index', 'other/models/a/load', 'other/models/a/unload']) {
    assert.equal((await post(`${url}/v2/repository/${path}`)).status, 501);
  }
});

for (const [path, status] of [
  ['/v2/models/identity/infer', 200],
  ['/v2/models/identity/versions/1/infer', 200],
  ['/v2/models/%69dentity/infer', 200],
  ['/v2/models/identity/infer?x=/infer', 200],
  ['/v2/models/identity/infer/', 404],
  ['/v2/models/.identity/infer', 404],
  ['/v2/models/identity/versions/a b/infer', 404],
  ['/v2/models//infer', 404],
  ['/v2/models/identity/versions//infer', 404],
  [`/v2/models/${'m'.repeat(2000)}/infer`, 404],
] as const) {
  test(`infers under ${path.slice(0, 60)} with ${status}`, async t => {
    const { port } = await startPlane(t);
    const body = jsonBody();
    const head = `POST ${path.replace(' ', '%20')} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const { responses } = await sendRaw(port, [head, body], { finals: 1 });
    assert.equal(responses[0]?.status, status);
  });
}
