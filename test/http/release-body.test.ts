import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { binaryBody } from './infer-bodies.ts';
import { type Started, startPlane } from './start-plane.ts';

const COLUMNS = 50_000;

async function ask({ url }: Started): Promise<Response> {
  const { body, headerLength } = binaryBody(1, COLUMNS);
  const headers = { 'inference-header-content-length': String(headerLength) };
  return fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body: new Uint8Array(body), headers });
}

/** How much memory the inference that was submitted last still has. */
const inputBytes = ({ service }: Started): number | undefined =>
  service.submitted.at(-1)?.inputs[0]?.data.byteLength;

test('the memory of a large body is given back once it has been answered, not before', async t => {
  const started = await startPlane(t);
  const { service } = started;
  service.holds = true;
  service.output = { name: 'Y', datatype: 'FP32', shape: [1, 1], data: new Uint8Array(4) };
  const response = ask(started);
  const held = await service.nextHeld();
  assert.equal(inputBytes(started), COLUMNS * 4);
  held.answer();
  assert.equal((await response).status, 200);
  assert.equal(inputBytes(started), 0);
});

test('a body that its answer shows stays', async t => {
  const started = await startPlane(t);
  const response = await ask(started);
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.ok(bytes.subarray(-COLUMNS * 4).equals(binaryBody(1, COLUMNS).body.subarray(-COLUMNS * 4)));
  assert.equal(inputBytes(started), COLUMNS * 4);
});

test('a body whose inference failed is left alone: a worker may still read it', async t => {
  const started = await startPlane(t);
  started.service.failsWith = new GatewayError('unavailable', 'gone');
  assert.equal((await ask(started)).status, 503);
  assert.equal(inputBytes(started), COLUMNS * 4);
});
