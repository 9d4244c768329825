import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { binaryBody, jsonBody } from './infer-bodies.ts';
import { type CorpusTarget, MALFORMED } from './malformed.ts';
import { parseResponses, type RawResponse } from './raw-client.ts';
import { OPTIONS, type Started, startPlane, untilClosed } from './start-plane.ts';

const GET_LIVE = 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n';

function inferBytes(body: string | Buffer, headers = ''): Buffer {
  const head = `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

const JSON_INFER = inferBytes(jsonBody());

/** One connection that keeps what comes back. */
class Client {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #taken = 0;

  constructor(t: TestContext, port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    t.after(() => this.socket.destroy());
  }

  /** Sends the bytes and resolves with the next final response. */
  async ask(bytes: string | Buffer): Promise<RawResponse> {
    this.socket.write(bytes);
    return this.next();
  }

  async next(): Promise<RawResponse> {
    for (;;) {
      const found = parseResponses(this.#received).filter(({ status }) => status >= 200)[this.#taken];
      if (found !== undefined) {
        this.#taken++;
        return found;
      }
      await once(this.socket, 'data');
    }
  }
}

/** A client whose next plain request goes past node:http. */
async function plainClient(t: TestContext, { port }: Started): Promise<Client> {
  const client = new Client(t, port);
  for (let i = 0; i < 2; i++) assert.equal((await client.ask(JSON_INFER)).status, 200);
  return client;
}

test('further requests of a connection are answered as its first, JSON and binary', async t => {
  const started = await startPlane(t);
  const { body, headerLength } = binaryBody();
  const binary = inferBytes(body, `Inference-Header-Content-Length: ${headerLength}\r\n`);
  for (const request of [JSON_INFER, binary]) {
    const client = new Client(t, started.port);
    const first = await client.ask(request);
    await client.ask(request);
    const third = await client.ask(request);
    assert.equal(third.status, 200);
    assert.deepEqual(third.body, first.body);
    assert.deepEqual([...third.headers.keys()].sort(), [...first.headers.keys()].sort());
    for (const name of ['content-type', 'headgate-version', 'connection', 'keep-alive'])
      assert.equal(third.headers.get(name), first.headers.get(name));
  }
  assert.deepEqual(
    started.done.map(({ outcome }) => outcome),
    Array(6).fill('ok'),
  );
  assert.equal(started.plane.inFlight, 0);
  assert.equal(started.plane.bodyBytes, 0);
});

test('large answers, compressed answers, errors and other routes take turns on one connection', async t => {
  const started = await startPlane(t);
  const client = await plainClient(t, started);
  const large = inferBytes(jsonBody(1, 2, { parameters: { binary_data_output: true } }));
  const data = new Uint8Array(300_000).fill(7);
  started.service.output = { name: 'Y', datatype: 'FP32', shape: [1, 75_000], data };
  const answer = await client.ask(large);
  assert.deepEqual(answer.body.subarray(-data.length), Buffer.from(data));
  started.service.output = undefined;
  assert.equal((await client.ask(GET_LIVE)).status, 200);
  assert.equal((await client.ask(inferBytes('{'))).status, 400);
  assert.equal((await client.ask(JSON_INFER)).status, 200);
});

test('a request in several pieces is answered, and the next one too', async t => {
  const started = await startPlane(t);
  const client = await plainClient(t, started);
  for (const cut of [1, 40, JSON_INFER.length - 3]) {
    client.socket.write(JSON_INFER.subarray(0, cut));
    await new Promise(resolve => setImmediate(resolve));
    assert.equal((await client.ask(JSON_INFER.subarray(cut))).status, 200);
    assert.equal((await client.ask(JSON_INFER)).status, 200);
  }
});

test('what is pipelined behind a request is answered after it, in order', async t => {
  const started = await startPlane(t);
  const { service } = started;
  const accepted = once(started.plane.app.server, 'connection');
  const client = await plainClient(t, started);
  const [serverSide] = (await accepted) as [Socket];
  service.holds = true;
  client.socket.write(JSON_INFER);
  const held = await service.nextHeld();
  const read = once(serverSide, 'data');
  client.socket.write(GET_LIVE + GET_LIVE);
  await read;
  held.answer();
  assert.match(String((await client.next()).headers.get('headgate-version')), /1/);
  assert.equal((await client.next()).body.toString(), '{"live":true}');
  assert.equal((await client.next()).body.toString(), '{"live":true}');
});

test('a client that leaves before its answer cancels its inference', async t => {
  const started = await startPlane(t);
  const { service, plane } = started;
  const client = await plainClient(t, started);
  service.holds = true;
  client.socket.write(JSON_INFER);
  const held = await service.nextHeld();
  const done = started.nextDone();
  client.socket.resetAndDestroy();
  assert.equal((await held.cancelledWith).code, 'cancelled');
  assert.equal((await done).outcome, 'cancelled');
  held.answer();
  assert.equal(plane.inFlight, 0);
  assert.equal(plane.bodyBytes, 0);
});

test('a connection that waits longer for its answer than it may idle is kept, and closed once it idles', async t => {
  const started = await startPlane(t, { timeouts: { ...OPTIONS.timeouts, keepAliveMs: 1 } });
  const { service, plane } = started;
  const client = await plainClient(t, started);
  service.holds = true;
  const struck = once(plane.app.server, 'timeout');
  client.socket.write(JSON_INFER);
  const held = await service.nextHeld();
  await struck;
  held.answer();
  assert.equal((await client.next()).status, 200);
  await once(client.socket, 'close');
});

test('a request in flight when closing begins is answered, and its connection closed', async t => {
  const started = await startPlane(t);
  const { service, plane } = started;
  const client = await plainClient(t, started);
  const idle = await plainClient(t, started);
  service.holds = true;
  client.socket.write(JSON_INFER);
  const held = await service.nextHeld();
  const closed = plane.close({ graceMs: 10_000 });
  await untilClosed(plane);
  held.answer();
  assert.equal((await client.next()).headers.get('connection'), 'close');
  await once(client.socket, 'close');
  await once(idle.socket, 'close');
  await closed;
});

test('a client that does not take its answer is cut off', async t => {
  const started = await startPlane(t, {
    timeouts: { headersMs: 100, requestMs: 200, keepAliveMs: 60_000 },
  });
  const { service, plane } = started;
  const accepted = once(plane.app.server, 'connection');
  const client = await plainClient(t, started);
  const [serverSide] = await accepted;
  const bytes = 32 * 1024 * 1024;
  service.output = { name: 'Y', datatype: 'FP32', shape: [1, bytes / 4], data: new Uint8Array(bytes) };
  client.socket.pause();
  client.socket.write(inferBytes(jsonBody(1, 2, { parameters: { binary_data_output: true } })));
  await once(serverSide, 'close');
});

test('what is malformed on a connection in use gets the answer it gets on a new one', async t => {
  const started = await startPlane(t);
  const target: CorpusTarget = {
    model: 'identity',
    goodBody: jsonBody(),
    maxBodyBytes: OPTIONS.limits.maxBodyBytes,
    maxInflatedBytes: OPTIONS.limits.maxInflatedBytes,
  };
  const cases = MALFORMED.filter(({ slow, followsGood, head }) => !slow && !followsGood && !head);
  for (const { name, send, status } of cases) {
    await t.test(name, async t => {
      const client = await plainClient(t, started);
      assert.equal((await client.ask(JSON_INFER)).status, 200);
      for (const piece of send(target)) {
        const { piece: bytes, times } =
          typeof piece === 'object' && 'times' in piece ? piece : { piece, times: 1 };
        for (let i = 0; i < times && !client.socket.destroyed; i++) client.socket.write(bytes);
      }
      assert.equal((await client.next()).status, status);
    });
  }
  assert.equal(started.plane.inFlight, 0);
});

test('a head above the limit is refused on a connection in use as on a new one', async t => {
  const started = await startPlane(t, { limits: { ...OPTIONS.limits, maxHeaderBytes: 1024 } });
  const long = inferBytes(jsonBody(), `X-Note: ${'a'.repeat(2000)}\r\n`);
  assert.equal((await new Client(t, started.port).ask(long)).status, 431);
  const client = await plainClient(t, started);
  assert.equal((await client.ask(long)).status, 431);
});

test('a request that came while the answer before it was stuck is not under the idle limit', async t => {
  const started = await startPlane(t);
  const { service, plane } = started;
  const accepted = once(plane.app.server, 'connection');
  const client = await plainClient(t, started);
  const [serverSide] = (await accepted) as [Socket];
  const bytes = 16 * 1024 * 1024;
  service.output = { name: 'Y', datatype: 'FP32', shape: [1, bytes / 4], data: new Uint8Array(bytes) };
  client.socket.pause();
  const answered = started.nextDone();
  client.socket.write(inferBytes(jsonBody(1, 2, { parameters: { binary_data_output: true } })));
  await answered;
  service.output = undefined;
  service.holds = true;
  client.socket.write(JSON_INFER);
  const held = await service.nextHeld();
  const drained = once(serverSide, 'drain');
  client.socket.resume();
  await drained;
  assert.notEqual(serverSide.timeout, OPTIONS.timeouts.keepAliveMs);
  held.answer();
  assert.equal((await client.next()).status, 200);
  assert.equal((await client.next()).status, 200);
});
