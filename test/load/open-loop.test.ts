import assert from 'node:assert/strict';
import test from 'node:test';
import { constantArrivals, poissonArrivals } from '../../src/load/arrivals.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { quantile } from '../../src/load/quantile.ts';
import { echo, type Obey, obedientServer, post } from './obedient-server.ts';

const requests = ['zero', 'one', 'two'].map(post);
const bodies = ['zero', 'one', 'two'];
const refuse =
  (status: number): Obey =>
  (_, response) => {
    response.writeHead(status, { 'content-length': 4 }).end('busy');
  };

test('every request is sent once, in order, and every answer is judged with its index', async () => {
  await using server = await obedientServer();
  const judged: number[] = [];
  const result = await openLoop({
    ...server,
    requests,
    arrivals: poissonArrivals(2000, 300, 1),
    check: (reply, index) => {
      judged.push(index);
      assert.equal(reply.body.toString(), bodies[index % 3]);
    },
  });
  assert.equal(result.outcomes.ok, 300);
  assert.equal(result.okMs.length, 300);
  assert.deepEqual(
    judged.toSorted((a, b) => a - b),
    Array.from({ length: 300 }, (_, i) => i),
  );
  assert.deepEqual(
    bodies.map(body => server.seen.filter(seen => seen === body).length),
    [100, 100, 100],
  );
});

test('latency counts from when a request was due: a server that stalls is charged for all who came meanwhile', async () => {
  const stallMs = 300;
  let stalled: Promise<void> | undefined;
  // Answers one at a time; the first one holds up all the others.
  await using server = await obedientServer(async (body, response) => {
    stalled ??= new Promise(resolve => setTimeout(resolve, stallMs));
    await stalled;
    echo(body, response);
  });
  const { okMs, outcomes } = await openLoop({
    ...server,
    requests,
    arrivals: constantArrivals(100, 30),
    maxConnections: 1,
  });
  assert.equal(outcomes.ok, 30);
  // Due 10 ms apart behind a stall of 300 ms: half of them waited 150 ms and more, though each answer took none.
  assert.ok(quantile(okMs, 0.5) > stallMs / 2 - 20, `median ${quantile(okMs, 0.5)} ms`);
  assert.ok((okMs.at(-1) ?? 0) >= stallMs - 20);
});

test('a send waits for no answer while connections may be made', async () => {
  const waiting: (() => void)[] = [];
  // Nothing is answered until all have come.
  await using server = await obedientServer((body, response) => {
    waiting.push(() => echo(body, response));
    if (waiting.length === 40) for (const answer of waiting) answer();
  });
  const { outcomes, generator } = await openLoop({
    ...server,
    requests,
    arrivals: constantArrivals(2000, 40),
  });
  assert.equal(outcomes.ok, 40);
  assert.equal(generator.connections, 40);
  assert.equal(generator.waited, 0);
});

test('connections stay within their maximum; who waits for one is counted', async () => {
  const waiting: (() => void)[] = [];
  await using server = await obedientServer((body, response) => {
    waiting.push(() => echo(body, response));
    if (waiting.length === 4) for (const answer of waiting.splice(0)) answer();
  });
  // All due at once, so that none can be answered before the last one is.
  const options = { ...server, requests, arrivals: new Float64Array(48), maxConnections: 4 };
  const { outcomes, generator } = await openLoop(options);
  assert.equal(outcomes.ok, 48);
  assert.equal(generator.waited, 44);
  assert.equal(generator.connections, 4);
  assert.equal(server.connections(), 4);
});

test('connections are kept: a fast server sees few', async () => {
  await using server = await obedientServer();
  const { generator } = await openLoop({ ...server, requests, arrivals: constantArrivals(500, 100) });
  assert.equal(server.connections(), generator.connections);
  assert.ok(generator.connections < 50, String(generator.connections));
});

for (const [status, outcome] of [
  [429, '429'],
  [503, '503'],
  [504, '504'],
  [500, 'other'],
] as const) {
  test(`a ${status} counts as ${outcome}, apart from the answers`, async () => {
    await using server = await obedientServer((body, response, request, nth) =>
      nth % 2 === 0 ? refuse(status)(body, response, request, nth) : echo(body, response),
    );
    const result = await openLoop({ ...server, requests, arrivals: constantArrivals(1000, 40) });
    assert.equal(result.outcomes.ok, 20);
    assert.equal(result.outcomes[outcome], 20);
    assert.equal(result.okMs.length, 20);
    assert.equal(result.refusedMs.length, status === 500 ? 0 : 20);
    assert.equal(result.firsts[outcome], `${status}: busy`);
  });
}

test('a wrong value is no answer', async () => {
  await using server = await obedientServer((body, response) =>
    echo(body === 'one' ? 'two' : body, response),
  );
  const { outcomes, firsts, okMs } = await openLoop({
    ...server,
    requests,
    arrivals: constantArrivals(1000, 30),
    check: (reply, index) => {
      if (reply.body.toString() !== bodies[index % 3]) throw new Error(`got ${reply.body}`);
    },
  });
  assert.equal(outcomes.wrong, 10);
  assert.equal(outcomes.ok, 20);
  assert.equal(okMs.length, 20);
  assert.equal(firsts.wrong, 'got two');
});

test('a connection that ends loses its request only', async () => {
  await using server = await obedientServer((body, response, request) => {
    if (body === 'one') request.socket.destroy();
    else echo(body, response);
  });
  const { outcomes } = await openLoop({ ...server, requests, arrivals: constantArrivals(1000, 30) });
  assert.deepEqual([outcomes.ok, outcomes.lost], [20, 10]);
});

test('a server that closes after each answer loses nothing', async () => {
  await using server = await obedientServer((body, response) => {
    response.setHeader('connection', 'close');
    echo(body, response);
  });
  const { outcomes } = await openLoop({ ...server, requests, arrivals: constantArrivals(1000, 30) });
  assert.equal(outcomes.ok, 30);
});

test('what is not answered in time is a timeout, whether it was sent or waited', async () => {
  await using server = await obedientServer(() => undefined);
  const { outcomes, okMs } = await openLoop({
    ...server,
    requests,
    arrivals: constantArrivals(1000, 10),
    maxConnections: 2,
    timeoutMs: 50,
  });
  assert.equal(outcomes.timeout, 10);
  assert.equal(okMs.length, 0);
});

test('a server that nobody reaches ends the run at once, with where it was looked for', async () => {
  const server = await obedientServer();
  await server[Symbol.asyncDispose]();
  const run = openLoop({ ...server, requests, arrivals: constantArrivals(1000, 10) });
  await assert.rejects(run, new RegExp(`cannot connect to 127\\.0\\.0\\.1:${server.port}: ECONNREFUSED`));
});

test('a signal ends it', async () => {
  const stop = new AbortController();
  await using server = await obedientServer(() => stop.abort(new Error('enough')));
  const run = openLoop({ ...server, requests, arrivals: constantArrivals(10, 1000), signal: stop.signal });
  await assert.rejects(run, /enough/);
});

test('a generator whose process is busy says so, and that the run is void', async () => {
  await using server = await obedientServer();
  const { generator } = await openLoop({
    ...server,
    requests,
    arrivals: constantArrivals(1000, 50),
    inspect: (_, index) => {
      if (index === 10) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    },
  });
  assert.ok(generator.lateShare > 0.2, String(generator.lateShare));
  assert.ok(generator.lateMaxMs >= 20);
  assert.match(generator.isVoid ?? '', /the load generator was late: \d+\.\d % of its requests/);
});
