import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, request } from 'node:http';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { jsonBody } from './infer-bodies.ts';
import { sendRaw } from './raw-client.ts';
import { startPlane, untilClosed } from './start-plane.ts';

interface Reply {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly body: string;
}

/** Requests over one kept-alive connection. */
function keepAliveClient(t: TestContext, port: number): (path: string, body?: string) => Promise<Reply> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return async (path, body) => {
    const sent =
      body === undefined ? get({ port, path, agent }) : request({ port, path, agent, method: 'POST' });
    if (body !== undefined) sent.end(body);
    const [response] = await once(sent, 'response');
    const text = (await response.toArray()).join('');
    return { status: response.statusCode, connection: response.headers.connection, body: text };
  };
}

const INFER = '/v2/models/identity/infer';

test('closing turns ready to 503 at once, keeps live at 200 and still infers', async t => {
  const { plane, port, service } = await startPlane(t);
  const [send, sendHeld] = [keepAliveClient(t, port), keepAliveClient(t, port)];
  service.holds = true;
  const heldReply = sendHeld(INFER, jsonBody());
  const held = await service.nextHeld();
  service.holds = false;
  assert.deepEqual(await send('/v2/health/ready'), {
    status: 200,
    connection: 'keep-alive',
    body: '{"ready":true,"live":true}',
  });
  const [ready, live, infer] = [keepAliveClient(t, port), keepAliveClient(t, port), keepAliveClient(t, port)];
  for (const each of [ready, live, infer]) await each('/v2/health/live');
  const closed = plane.close({ graceMs: 10_000 });
  const { status, body } = await send('/v2/health/ready');
  assert.deepEqual([status, body], [503, '{"ready":false,"live":true}']);
  await untilClosed(plane);
  assert.deepEqual(await ready('/v2/health/ready'), {
    status: 503,
    connection: 'close',
    body: '{"ready":false,"live":true}',
  });
  assert.equal((await live('/v2/health/live')).status, 200);
  const inferred = await infer(INFER, jsonBody());
  assert.deepEqual([inferred.status, inferred.connection], [200, 'close']);
  held.answer();
  assert.equal((await heldReply).status, 200);
  await closed;
});

test('a request in flight when closing begins is answered, and its connection closed', async t => {
  const { plane, port, service } = await startPlane(t);
  service.holds = true;
  const reply = keepAliveClient(t, port)(INFER, jsonBody());
  const held = await service.nextHeld();
  const closed = plane.close({ graceMs: 10_000 });
  await untilClosed(plane);
  held.answer();
  const { status, connection } = await reply;
  assert.deepEqual([status, connection], [200, 'close']);
  await closed;
});

test('a request that comes on a kept-alive connection while closing is served', async t => {
  const { plane, port } = await startPlane(t);
  const send = keepAliveClient(t, port);
  await send('/v2/health/live');
  const closed = plane.close({ graceMs: 10_000 });
  await untilClosed(plane);
  const { status, connection } = await send(INFER, jsonBody());
  assert.deepEqual([status, connection], [200, 'close']);
  await closed;
});

test('idle connections, used or never used, do not hold up closing', async t => {
  const { plane, port } = await startPlane(t);
  const send = keepAliveClient(t, port);
  await send('/v2/health/live');
  const silent = connect({ port, host: '127.0.0.1' });
  await once(silent, 'connect');
  const silentClosed = once(silent, 'close');
  silent.resume();
  await plane.close({ graceMs: 400 });
  await silentClosed;
});

test('new connections are refused once those made before closing were let in', async t => {
  const { plane, port, service } = await startPlane(t);
  service.holds = true;
  const reply = keepAliveClient(t, port)(INFER, jsonBody());
  const held = await service.nextHeld();
  const closed = plane.close({ graceMs: 10_000 });
  const send = () => sendRaw(port, ['GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n'], { finals: 1 });
  let sent = await send();
  while (sent.responses.length > 0) sent = await send();
  assert.equal(sent.closed, true);
  held.answer();
  assert.equal((await reply).status, 200);
  await closed;
});

test('what is not answered within the grace is cancelled and cut off', async t => {
  const { plane, port, service, nextDone } = await startPlane(t);
  service.holds = true;
  const reply = keepAliveClient(t, port)(INFER, jsonBody());
  const lost = assert.rejects(reply, { code: 'ECONNRESET' });
  const held = await service.nextHeld();
  const done = nextDone();
  await plane.close({ graceMs: 50 });
  await lost;
  assert.equal((await held.cancelledWith).code, 'cancelled');
  assert.equal((await done).outcome, 'cancelled');
  assert.equal(plane.inFlight, 0);
});

test('clients that keep sending while it closes lose no request', async t => {
  const { plane, port } = await startPlane(t);
  const clients = Array.from({ length: 20 }, () => keepAliveClient(t, port));
  const answered = Promise.withResolvers<void>();
  let answers = 0;
  // Each sends on until its connection is closed by an answer; none may fail before that.
  const work = clients.map(async send => {
    for (;;) {
      const { status, connection } = await send(INFER, jsonBody());
      assert.equal(status, 200);
      if (++answers === 200) answered.resolve();
      if (connection === 'close') return;
    }
  });
  await answered.promise;
  const closed = plane.close({ graceMs: 10_000 });
  await Promise.all(work);
  await closed;
});

test('who has connected when closing begins is let in and answered', async t => {
  const { plane, port } = await startPlane(t);
  const body = jsonBody();
  const text = `POST ${INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const clients = Array.from({ length: 50 }, () => connect({ port, host: '127.0.0.1' }));
  const answers = clients.map(async client => {
    client.write(text);
    return String((await once(client, 'data'))[0]).slice(0, 12);
  });
  // The kernel has made all of their connections by then; the server may have accepted few.
  await Promise.all(clients.map(client => once(client, 'connect')));
  const closed = plane.close({ graceMs: 10_000 });
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['HTTP/1.1 200']));
  await closed;
});
