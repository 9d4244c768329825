import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'node:test';
import { jsonBody } from './infer-bodies.ts';
import { startPlane } from './start-plane.ts';

const BODY = jsonBody();
const REQUEST = `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test('a client that leaves before its answer cancels its inference', async t => {
  const { port, service, plane, nextDone } = await startPlane(t);
  service.holds = true;
  const socket = await open(port);
  socket.write(REQUEST);
  const held = await service.nextHeld();
  const done = nextDone();
  socket.resetAndDestroy();
  assert.equal((await held.cancelledWith).code, 'cancelled');
  assert.equal((await done).outcome, 'cancelled');
  assert.equal(plane.inFlight, 0);
  assert.equal(plane.bodyBytes, 0);
});

test('a client that leaves takes its pipelined requests with it', async t => {
  const { port, service, plane } = await startPlane(t);
  service.holds = true;
  const socket = await open(port);
  socket.write(REQUEST + REQUEST + REQUEST);
  const held = [await service.nextHeld(), await service.nextHeld(), await service.nextHeld()];
  assert.equal(plane.inFlight, 3);
  socket.resetAndDestroy();
  for (const one of held) assert.equal((await one.cancelledWith).code, 'cancelled');
  assert.equal(plane.inFlight, 0);
});

test('a client that leaves within its body is cancelled and nothing is submitted', async t => {
  const { port, service, plane, nextDone } = await startPlane(t);
  const socket = await open(port);
  const done = nextDone();
  socket.write(REQUEST.slice(0, -5), () => socket.resetAndDestroy());
  assert.equal((await done).outcome, 'cancelled');
  assert.equal(service.submitted.length, 0);
  assert.equal(plane.bodyBytes, 0);
});

test('a client that sends its body too slowly is told apart from one that left', async t => {
  const { port, nextDone } = await startPlane(t, {
    timeouts: { headersMs: 100, requestMs: 150, keepAliveMs: 60_000 },
  });
  const socket = await open(port);
  const done = nextDone();
  socket.write(REQUEST.slice(0, -5));
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 408 /);
  socket.destroy();
  assert.equal((await done).outcome, 'request-timeout');
});

test('an answer that comes after its client left is dropped', async t => {
  const { port, service, plane, nextDone } = await startPlane(t);
  service.holds = true;
  const socket = await open(port);
  socket.write(REQUEST);
  const held = await service.nextHeld();
  const done = nextDone();
  socket.resetAndDestroy();
  await held.cancelledWith;
  held.answer();
  assert.equal((await done).outcome, 'cancelled');
  assert.equal(plane.inFlight, 0);
});

test('a client that does not take its answer is cut off', async t => {
  const { port, service, plane } = await startPlane(t, {
    timeouts: { headersMs: 100, requestMs: 200, keepAliveMs: 60_000 },
  });
  const bytes = 32 * 1024 * 1024;
  service.output = { name: 'Y', datatype: 'FP32', shape: [1, bytes / 4], data: new Uint8Array(bytes) };
  const accepted = once(plane.app.server, 'connection');
  const socket = await open(port);
  const [serverSide] = await accepted;
  const body = jsonBody(1, 2, { parameters: { binary_data_output: true } });
  socket.write(
    `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await once(serverSide, 'close');
  socket.destroy();
});

test('a client that sends its request and leaves at once gives back what it took', async t => {
  const { port, service, plane, nextDone } = await startPlane(t);
  service.holds = true;
  const socket = await open(port);
  const done = nextDone();
  socket.write(REQUEST, () => socket.resetAndDestroy());
  assert.equal((await done).outcome, 'cancelled');
  assert.equal(plane.inFlight, 0);
  assert.equal(plane.bodyBytes, 0);
});

test('a client that takes its answer slowly but steadily gets all of it', async t => {
  const { port, service } = await startPlane(t, {
    timeouts: { headersMs: 100, requestMs: 200, keepAliveMs: 60_000 },
  });
  const bytes = 24 * 1024 * 1024;
  service.output = { name: 'Y', datatype: 'FP32', shape: [1, bytes / 4], data: new Uint8Array(bytes) };
  const socket = await open(port);
  const body = jsonBody(1, 2, { parameters: { binary_data_output: true } });
  const startedAt = performance.now();
  let taken = 0;
  socket.on('data', chunk => {
    taken += chunk.length;
    // At 1 MiB in 25 ms or more it takes at least three times as long as a client may stand still.
    if (taken < bytes) {
      socket.pause();
      setTimeout(
        () => socket.resume(),
        Math.max(0, startedAt + (taken / 1024 / 1024) * 25 - performance.now()),
      );
    } else socket.destroy();
  });
  socket.write(
    `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, 'close');
  assert.ok(taken >= bytes, `${taken} of ${bytes} bytes`);
});

test('a request refused before its body has come is answered once, however long its client goes on sending', async t => {
  const { port } = await startPlane(t, {
    timeouts: { headersMs: 50, requestMs: 100, keepAliveMs: 60_000 },
  });
  const socket = await open(port);
  let answer = '';
  socket.on('data', chunk => {
    answer += chunk;
  });
  socket.write(
    'POST /v2/models/nobody/infer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n',
  );
  const sending = setInterval(() => socket.write('1\r\n[\r\n'), 20);
  await once(socket, 'close');
  clearInterval(sending);
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 404']);
});
