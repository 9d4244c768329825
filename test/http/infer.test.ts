import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import test from 'node:test';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { GatewayError } from '../../src/errors.ts';
import { binaryBody, jsonBody } from './infer-bodies.ts';
import { sendRaw } from './raw-client.ts';
import { OPTIONS, startPlane } from './start-plane.ts';

const PATH = '/v2/models/identity/infer';

function post(url: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url + PATH, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'accept-encoding': 'identity', ...headers },
  });
}

function postBinary(url: string, rows: number, headers: Record<string, string> = {}): Promise<Response> {
  const { body, headerLength } = binaryBody(rows);
  return post(url, body, { 'inference-header-content-length': String(headerLength), ...headers });
}

test('answers JSON with JSON', async t => {
  const { url } = await startPlane(t);
  const response = await post(url, jsonBody(2, 2, { id: 'seven' }));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('inference-header-content-length'), null);
  assert.deepEqual(await response.json(), {
    id: 'seven',
    model_name: 'identity',
    model_version: '1',
    outputs: [{ name: 'Y', datatype: 'FP32', shape: [2, 2], data: [0, 0.5, 1, 1.5] }],
  });
});

test('answers binary with the JSON length in the header and the tensor behind it', async t => {
  const { url } = await startPlane(t);
  const response = await postBinary(url, 3);
  const body = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length'));
  const { outputs } = JSON.parse(body.toString('utf8', 0, length));
  assert.equal(response.headers.get('content-type'), 'application/octet-stream');
  assert.equal(outputs[0].parameters.binary_data_size, 24);
  assert.deepEqual(body.subarray(length), Buffer.from(Float32Array.of(0, 0.5, 1, 1.5, 2, 2.5).buffer));
});

test('says which version answered, how it was chosen and where the time went', async t => {
  const { url } = await startPlane(t);
  const response = await fetch(`${url}/v2/models/identity/versions/candidate/infer`, {
    method: 'POST',
    body: jsonBody(),
  });
  assert.equal(response.headers.get('headgate-version'), '1');
  assert.equal(response.headers.get('headgate-route'), 'label');
  assert.match(
    response.headers.get('server-timing') ?? '',
    /^queue;dur=1\.25, batch;desc="7", infer;dur=2\.5, total;dur=\d+(\.\d\d?)?$/,
  );
});

test('hands the service the rows, outputs, deadline and priority', async t => {
  const { url, service } = await startPlane(t);
  const before = performance.now();
  const parameters = { timeout: 3_000_000, priority: 2 };
  await post(url, jsonBody(3, 2, { parameters, outputs: [{ name: 'Y' }] }), {
    'headgate-timeout-ms': '4000',
  });
  const [inference] = service.submitted;
  assert.equal(inference?.rows, 3);
  assert.deepEqual(inference?.outputs, ['Y']);
  assert.equal(inference?.priority, 2);
  const leftMs = (inference?.deadline ?? 0) - before;
  assert.ok(leftMs >= 3000 && leftMs < 4000, `the smaller timeout holds: ${leftMs}`);
});

test('a priority beyond the levels of the model is its last', async t => {
  const { url, service } = await startPlane(t);
  await post(url, jsonBody(), { 'headgate-priority': '4' });
  await post(url, jsonBody(), { 'headgate-priority': '1' });
  await post(url, jsonBody());
  assert.deepEqual(
    service.submitted.map(({ priority }) => priority),
    [3, 1, 3],
  );
});

test('tells what happened to each inference', async t => {
  const { url, done } = await startPlane(t);
  await post(url, jsonBody(2));
  await post(url, '{');
  await fetch(`${url}/v2/models/made-up-by-a-client/infer`, { method: 'POST', body: '{}' });
  await fetch(`${url}/v2/models/loading/infer`, { method: 'POST', body: '{}' });
  assert.deepEqual(
    done.map(({ model, version, outcome, rows }) => [model, version, outcome, rows]),
    [
      ['identity', '1', 'ok', 2],
      ['identity', '1', 'invalid', 0],
      ['', '', 'not-found', 0],
      ['loading', '', 'unavailable', 0],
    ],
  );
  const [ok] = done;
  assert.ok(ok && ok.totalMs > 0 && ok.decodeMs > 0 && ok.encodeMs > 0);
  assert.deepEqual([ok.queueMs, ok.inferMs], [1.25, 2.5]);
});

for (const [code, status, overloadStatus] of [
  ['invalid', 400, 429],
  ['overloaded', 429, 429],
  ['overloaded', 503, 503],
  ['model-failed', 500, 429],
  ['unavailable', 503, 429],
  ['deadline', 504, 429],
] as const) {
  test(`answers ${code} with ${status}`, async t => {
    const { url, service } = await startPlane(t, { overloadStatus });
    service.failsWith = new GatewayError(code, 'the text', { retryAfterMs: 1200 });
    const response = await post(url, jsonBody());
    assert.equal(response.status, status);
    assert.deepEqual(await response.json(), { error: 'the text' });
    const retries = code === 'overloaded' || code === 'unavailable';
    assert.equal(response.headers.get('retry-after'), retries ? '2' : null);
    assert.equal(response.headers.get('headgate-retry-after-ms'), retries ? '1200' : null);
  });
}

test('keeps the text of an unexpected failure to itself', async t => {
  const { url, service, done } = await startPlane(t);
  service.failsWith = new Error('secret at /srv/models/x.onnx');
  const response = await post(url, jsonBody());
  assert.equal(response.status, 500);
  assert.deepEqual(await response.json(), { error: 'internal error' });
  assert.equal(done[0]?.outcome, 'internal');
});

for (const [encoding, compress] of [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
] as const) {
  test(`reads a ${encoding} body; the header length counts inflated bytes`, async t => {
    const { url, plane } = await startPlane(t);
    const { body, headerLength } = binaryBody(100);
    const response = await post(url, compress(body), {
      'content-encoding': encoding,
      'inference-header-content-length': String(headerLength),
    });
    assert.equal(response.status, 200);
    assert.equal(plane.bodyBytes, 0);
  });
}

for (const [accepts, encoding, inflate] of [
  ['gzip;q=0.5, deflate;q=0.1', 'gzip', gunzipSync],
  ['deflate', 'deflate', inflateSync],
] as const) {
  test(`compresses a large answer for "${accepts}"; the header length counts inflated bytes`, async t => {
    const { port } = await startPlane(t);
    const { body, headerLength } = binaryBody(1000);
    const head =
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${accepts}\r\nContent-Length: ${body.length}\r\n` +
      `Inference-Header-Content-Length: ${headerLength}\r\n\r\n`;
    const { responses } = await sendRaw(port, [head, body], { finals: 1 });
    const [answer] = responses;
    assert.equal(answer?.headers.get('content-encoding'), encoding);
    const inflated = inflate(answer?.body ?? '');
    const jsonLength = Number(answer?.headers.get('inference-header-content-length'));
    assert.equal(inflated.length, jsonLength + 8000);
    assert.ok((answer?.body.length ?? 0) < inflated.length);
  });
}

test('does not compress a small answer', async t => {
  const { url } = await startPlane(t);
  const response = await post(url, jsonBody(), { 'accept-encoding': 'gzip' });
  assert.equal(response.headers.get('content-encoding'), null);
});

test('takes every content type but forms', async t => {
  const { url } = await startPlane(t);
  for (const type of ['application/json', 'application/octet-stream', 'text/plain', 'nonsense', 'a/b; c']) {
    assert.equal((await post(url, jsonBody(), { 'content-type': type })).status, 200, type);
  }
});

test('reads a body that comes in ten thousand chunks of one byte', async t => {
  const { port } = await startPlane(t);
  const body = jsonBody();
  const chunks = [...body].map(char => `1\r\n${char}\r\n`).join('');
  const head = `POST ${PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const pieces = [head, { piece: '1\r\n \r\n', times: 10_000 }, chunks, '0\r\n\r\n'];
  const { responses } = await sendRaw(port, pieces, { finals: 1 });
  assert.equal(responses[0]?.status, 200);
});

test('asks for the body only once it will read it', async t => {
  const { port } = await startPlane(t);
  const body = jsonBody();
  const head = (model: string): string =>
    `POST /v2/models/${model}/infer HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`;
  const { responses } = await sendRaw(port, [head('identity'), body], { finals: 1 });
  assert.deepEqual(
    responses.map(response => response.status),
    [100, 200],
  );
  const refused = await sendRaw(port, [head('unknown')]);
  assert.deepEqual(
    refused.responses.map(response => response.status),
    [404],
  );
  assert.equal(refused.responses[0]?.headers.get('connection'), 'close');
});

test('a version replaced while the body arrives does not lose the request', async t => {
  const { url, service, done } = await startPlane(t);
  const headers = { expect: '100-continue', 'content-length': jsonBody().length };
  const request = httpRequest(url + PATH, { method: 'POST', headers, agent: false });
  await once(request, 'continue');
  service.version = '2';
  request.end(jsonBody());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['headgate-version'], '2');
  assert.equal(done[0]?.version, '2');
});

test('refuses a body that does not fit in the memory for all bodies, and serves the next', async t => {
  const limits = { ...OPTIONS.limits, maxBodiesBytes: 2000 };
  const { url, plane } = await startPlane(t, { limits });
  const response = await postBinary(url, 1000);
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '1');
  assert.equal((await postBinary(url, 10)).status, 200);
  assert.equal(plane.bodyBytes, 0);
});

test('holds the bytes of a body until its answer, and gives them back', async t => {
  const { url, plane, service } = await startPlane(t);
  service.holds = true;
  const body = jsonBody();
  const response = post(url, body);
  const held = await service.nextHeld();
  assert.equal(plane.bodyBytes, body.length);
  assert.equal(plane.inFlight, 1);
  held.answer();
  assert.equal((await response).status, 200);
  assert.equal(plane.bodyBytes, 0);
  assert.equal(plane.inFlight, 0);
});
