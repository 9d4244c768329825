import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { encodeExecution } from '../../src/protocol/worker-request.ts';
import { identity } from '../support/onnx.ts';
import { input, type RunningWorker, startWorker } from './running-worker.ts';

/** The bytes of one inference as the gateway sends it. */
function request(values: Float32Array, headers = ''): Buffer {
  const inputs = [input('x', 'FP32', [values.length, 1], values)];
  const { header, parts, byteLength } = encodeExecution({ inputs, outputs: undefined, rows: values.length });
  const head = `POST /v2/models/m/versions/1.g1/infer HTTP/1.1\r\nhost: worker\r\nconnection: keep-alive\r\n${headers}inference-header-content-length: ${header.length}\r\ncontent-length: ${byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), header, ...parts]);
}

/** Sends these pieces, each on its own, and reads until `answers` bodies have come. */
async function exchange(
  worker: RunningWorker,
  pieces: readonly Buffer[],
  answers: number,
): Promise<Buffer[]> {
  const socket = connect(worker.socket);
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece);
    // A turn of the event loop, so that the pieces are written one by one.
    await new Promise(setImmediate);
  }
  let bytes = Buffer.alloc(0);
  const bodies: Buffer[] = [];
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) break;
      const head = bytes.toString('latin1', 0, end).toLowerCase();
      const length = Number(/\ncontent-length: (\d+)/.exec(head)?.[1]);
      if (bytes.length < end + 4 + length) break;
      const json = Number(/\ninference-header-content-length: (\d+)/.exec(head)?.[1] ?? length);
      bodies.push(bytes.subarray(end + 4 + json, end + 4 + length));
      bytes = bytes.subarray(end + 4 + length);
    }
    if (bodies.length === answers) break;
  }
  return bodies;
}

async function serving(t: TestContext): Promise<RunningWorker> {
  const worker = await startWorker(t);
  await worker.load(identity({ shape: [-1, 1] }));
  return worker;
}

const valuesFrom = (start: number, length: number) => Float32Array.from({ length }, (_, i) => start + i);
const bytesOf = (values: Float32Array): Buffer => Buffer.from(values.buffer);

test('requests in one piece, in many, and one behind the other are answered in order with their own values', async t => {
  const worker = await serving(t);
  const sent = [valuesFrom(1, 3), valuesFrom(1e5, 60_000), valuesFrom(7, 1), valuesFrom(3e5, 20_000)];
  const all = Buffer.concat(sent.map(values => request(values)));
  const expected = sent.map(bytesOf);
  const first = request(sent[0] as Float32Array).length;
  for (const cut of [[all.length], [first - 5], [first + 400, first + 401, first + 100_000]]) {
    const bounds = [0, ...cut, all.length];
    const pieces = bounds.slice(1).map((end, i) => all.subarray(bounds[i], end));
    assert.deepEqual(await exchange(worker, pieces, sent.length), expected);
  }
});

test('a connection that begins with inference may go on with anything else, and with inference again', async t => {
  const worker = await serving(t);
  const values = valuesFrom(5, 2);
  const live = Buffer.from('GET /v2/health/live HTTP/1.1\r\nhost: worker\r\n\r\n');
  for (const pieces of [
    [request(values), live, request(values)],
    [Buffer.concat([request(values), live, request(values)])],
  ]) {
    const [first, health, last] = await exchange(worker, pieces, 3);
    assert.deepEqual([first, last], [bytesOf(values), bytesOf(values)]);
    assert.equal(health?.length, 0);
  }
});

test('a model that is not there is a 404 and the connection ends in order', async t => {
  const worker = await startWorker(t);
  const socket = connect(worker.socket);
  socket.write(request(valuesFrom(1, 1)));
  const [reply] = (await once(socket, 'data')) as [Buffer];
  assert.match(reply.toString(), /^HTTP\/1\.1 404 /);
  socket.destroy();
});
