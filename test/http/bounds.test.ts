/** What one client, all connections, and connections made under pressure may have. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'node:test';
import { createEvents } from '../../src/events.ts';
import { createDataPlane } from '../../src/http/data-plane.ts';
import { FakeService } from './fake-service.ts';
import { jsonBody } from './infer-bodies.ts';
import { sendRaw } from './raw-client.ts';
import { OPTIONS, startPlane } from './start-plane.ts';

const BODY = jsonBody();
const INFER = `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const HEALTH = 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n';

const limits = (over: Partial<typeof OPTIONS.limits>) => ({ limits: { ...OPTIONS.limits, ...over } });

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test('requests of one client beyond its bound are refused over all its connections, and taken once others are answered', async t => {
  const { port, service } = await startPlane(t, limits({ maxRequestsPerClient: 2 }));
  service.holds = true;
  const [one, other] = [await open(port), await open(port)];
  one.write(INFER);
  other.write(INFER);
  const held = [await service.nextHeld(), await service.nextHeld()];
  const refused = await sendRaw(port, [INFER], { finals: 1 });
  assert.equal(refused.responses[0]?.status, 429);
  assert.match(
    `${refused.responses[0]?.body}`,
    /requests of this client wait for an answer: expected at most 2/,
  );
  assert.equal(refused.responses[0]?.headers.get('retry-after'), '1');
  const health = await sendRaw(port, [HEALTH], { finals: 1 });
  assert.equal(health.responses[0]?.status, 200, 'whether it lives may always be asked');
  const answered = once(one, 'data');
  held[0]?.answer();
  await answered;
  const departed = once(other, 'close');
  other.destroy();
  await departed;
  await held[1]?.cancelledWith;
  service.holds = false;
  const taken = await sendRaw(port, [INFER], { finals: 1 });
  assert.equal(taken.responses[0]?.status, 200);
  one.destroy();
});

test('pipelined requests count as others do', async t => {
  const { port, service, nextDone } = await startPlane(t, limits({ maxRequestsPerClient: 2 }));
  service.holds = true;
  const refused = nextDone();
  const answers = sendRaw(port, [INFER, INFER, INFER], { finals: 3 });
  const held = [await service.nextHeld(), await service.nextHeld()];
  assert.equal((await refused).outcome, 'overloaded');
  for (const one of held) one.answer();
  assert.deepEqual(
    (await answers).responses.map(({ status }) => status),
    [200, 200, 429],
  );
});

test('under pressure inferences on new connections are refused and their connections closed; older ones are served', async t => {
  const { port, service } = await startPlane(t);
  const older = await open(port);
  older.write(HEALTH);
  await once(older, 'data');
  service.connectionsAreTaken = false;
  const refused = await sendRaw(port, [INFER]);
  assert.equal(refused.closed, true);
  assert.deepEqual(
    refused.responses.map(({ status, headers }) => [
      status,
      headers.get('connection'),
      headers.get('retry-after'),
    ]),
    [[503, 'close', '1']],
  );
  assert.match(`${refused.responses[0]?.body}`, /takes no new connections/);
  const health = await sendRaw(port, [HEALTH]);
  assert.equal(health.responses[0]?.status, 200);
  older.write(INFER);
  const [answer] = (await once(older, 'data')) as [Buffer];
  assert.match(`${answer}`, /^HTTP\/1.1 200 /);
  older.destroy();
  assert.equal(service.submitted.length, 1);
});

test('a connection too many is closed unread, and told of', async t => {
  const events = createEvents();
  const plane = createDataPlane(new FakeService(), { ...OPTIONS, ...limits({ maxConnections: 1 }) }, events);
  const { port } = await plane.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => plane.close({ graceMs: 50 }));
  const first = await open(port);
  first.write(HEALTH);
  await once(first, 'data');
  const dropped = once(events, 'connection:dropped');
  const second = await sendRaw(port, [HEALTH]);
  assert.deepEqual([second.responses.length, second.closed], [0, true]);
  await dropped;
  first.destroy();
});
