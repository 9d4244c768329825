/** When the memory of an answer is let go. Here it is overwritten in that very moment, as the next reply would. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Lease } from '../../src/inference.ts';
import type { FakeService } from './fake-service.ts';
import { binaryBody } from './infer-bodies.ts';
import { parseResponses } from './raw-client.ts';
import { startPlane } from './start-plane.ts';

/** Far more than the sockets between client and server hold. */
const FLOATS = 4 * 2 ** 20;

/** An answer's memory, each byte `fill`, and lost when it is let go. */
class Memory implements Lease {
  readonly bytes: Buffer;
  readonly released: Promise<void>;
  isReleased = false;
  readonly #tell: () => void;

  constructor(floats: number, fill: number) {
    this.bytes = Buffer.alloc(floats * 4, fill);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.released = promise;
    this.#tell = resolve;
  }

  hold(): void {
    throw new Error('one answer, one holder');
  }

  release(): void {
    assert.ok(!this.isReleased);
    this.isReleased = true;
    this.bytes.fill(0xff);
    this.#tell();
  }
}

/** The next answer is this memory. */
function answerWith(service: FakeService, memory: Memory): void {
  const shape = [1, memory.bytes.length / 4];
  service.output = { name: 'Y', datatype: 'FP32', shape, data: memory.bytes };
  service.lease = memory;
}

function requestText(headers = ''): Buffer {
  const { body, headerLength } = binaryBody();
  const head =
    `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n` +
    `Inference-Header-Content-Length: ${headerLength}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** A client that has asked and reads nothing yet. */
async function ask(port: number, headers = 'Connection: close\r\n'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(requestText(headers));
  return socket;
}

/** The output's bytes, once the server has ended the connection. */
async function readOutput(socket: Socket): Promise<Buffer> {
  const [response] = parseResponses(await buffer(socket), false);
  assert.equal(response?.status, 200);
  const encoding = response.headers.get('content-encoding');
  const body = encoding === 'gzip' ? gunzipSync(response.body) : response.body;
  return body.subarray(Number(response.headers.get('inference-header-content-length')));
}

const consistsOf = (bytes: Buffer, fill: number): boolean => bytes.equals(Buffer.alloc(FLOATS * 4, fill));

test('the answer of a client that reads slowly stays as it is while others are answered', async t => {
  const { port, service, nextDone } = await startPlane(t);
  const slow = new Memory(FLOATS, 1);
  answerWith(service, slow);
  const done = nextDone();
  const reader = await ask(port);
  assert.equal((await done).outcome, 'ok');
  for (let i = 0; i < 3; i++) {
    const quick = new Memory(FLOATS, 2);
    answerWith(service, quick);
    assert.ok(consistsOf(await readOutput(await ask(port)), 2));
    await quick.released;
  }
  assert.ok(!slow.isReleased);
  assert.ok(consistsOf(await readOutput(reader), 1));
  await slow.released;
});

test('pipelined answers keep their memory until their turn has come', async t => {
  const { port, service } = await startPlane(t);
  service.holds = true;
  const reader = await ask(port, '');
  reader.write(requestText('Connection: close\r\n'));
  const [first, second] = [await service.nextHeld(), await service.nextHeld()];
  const later = new Memory(FLOATS, 2);
  answerWith(service, later);
  second.answer();
  await new Promise(setImmediate);
  assert.ok(!later.isReleased);
  const sooner = new Memory(FLOATS, 1);
  answerWith(service, sooner);
  first.answer();
  const responses = parseResponses(await buffer(reader), false);
  for (const [i, { headers, body }] of responses.entries()) {
    assert.ok(
      consistsOf(body.subarray(Number(headers.get('inference-header-content-length'))), i + 1),
      `${i}`,
    );
  }
  await Promise.all([sooner.released, later.released]);
});

test('a compressed answer is made before its memory is let go', async t => {
  const { port, service } = await startPlane(t);
  const memory = new Memory(FLOATS, 3);
  answerWith(service, memory);
  const reader = await ask(port, 'Connection: close\r\nAccept-Encoding: gzip\r\n');
  assert.ok(consistsOf(await readOutput(reader), 3));
  await memory.released;
});

test('a large JSON answer is made before its memory is let go', async t => {
  const { url, service } = await startPlane(t);
  const memory = new Memory(200_000, 0);
  answerWith(service, memory);
  const body = JSON.stringify({
    inputs: [{ name: 'X', datatype: 'FP32', shape: [1, 1], data: [1] }],
  });
  const response = await fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body });
  const { outputs } = (await response.json()) as { outputs: [{ data: number[] }] };
  assert.ok(outputs[0].data.length === 200_000 && outputs[0].data.every(value => value === 0));
  await memory.released;
});

test('a client that left before its answer has the memory let go, one that leaves within it never sees another’s', async t => {
  const { port, service, plane, nextDone } = await startPlane(t);
  service.holds = true;
  const gone = await ask(port);
  const held = await service.nextHeld();
  const cancelled = nextDone();
  gone.resetAndDestroy();
  await cancelled;
  held.answer();
  service.holds = false;

  const memory = new Memory(FLOATS, 4);
  answerWith(service, memory);
  const done = nextDone();
  const leaving = await ask(port);
  await done;
  leaving.resetAndDestroy();
  const next = new Memory(FLOATS, 5);
  answerWith(service, next);
  assert.ok(consistsOf(await readOutput(await ask(port)), 5));
  await next.released;
  assert.equal(plane.inFlight, 0);
});
