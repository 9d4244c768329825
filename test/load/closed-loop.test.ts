import assert from 'node:assert/strict';
import test from 'node:test';
import { autocannonLoop } from '../../bench/support/autocannon-loop.ts';
import { closedLoop } from '../../src/load/closed-loop.ts';
import { echo, obedientServer, post } from './obedient-server.ts';

const bodies = ['zero', 'one', 'two', '\xff\x00\xfe'];
const requests = bodies.map(post);
const checkEcho = (reply: { body: Buffer }, index: number): void => {
  const wanted = bodies[index % bodies.length];
  if (reply.body.toString('latin1') !== wanted) throw new Error(`got ${reply.body}, not ${wanted}`);
};

for (const [name, loop] of [
  ['ours', closedLoop],
  ['autocannon', autocannonLoop],
] as const) {
  test(`${name}: every connection keeps one request in flight, and every answer is judged against its request`, async () => {
    let [now, most] = [0, 0];
    await using server = await obedientServer((body, response) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        echo(body, response);
      });
    });
    const result = await loop({ ...server, requests, connections: 8, seconds: 0.2, check: checkEcho });
    assert.ok(result.outcomes.ok > 8);
    assert.equal(result.requests, result.outcomes.ok);
    assert.equal(result.okMs.length, result.requests);
    assert.ok(most <= 8);
  });

  test(`${name}: what the warm-up brought counts apart`, async () => {
    const edges: string[] = [];
    let isWarm = false;
    await using server = await obedientServer((body, response) => echo(isWarm ? body : `${body}?`, response));
    const result = await loop({
      ...server,
      requests,
      connections: 2,
      warmupSeconds: 0.1,
      seconds: 0.1,
      check: checkEcho,
      onMeasure: edge => {
        edges.push(edge);
        isWarm = true;
      },
    });
    assert.deepEqual(edges, ['begins', 'ends']);
    assert.ok(result.warmup.wrong > 0);
    assert.equal(result.warmup.ok, 0);
    assert.ok(result.outcomes.ok > 0);
    assert.ok(result.outcomes.wrong <= 2, 'only what was under way when the measuring began');
  });

  test(`${name}: lost, refused and wrong ones are counted, and their connections replaced`, async () => {
    await using server = await obedientServer((body, response, request) => {
      if (body === 'one') request.socket.destroy();
      else if (body === 'two') response.writeHead(429, { 'content-length': 0 }).end();
      else echo(body === 'zero' ? 'nothing' : body, response);
    });
    const { outcomes, firsts } = await loop({
      ...server,
      requests,
      connections: 3,
      seconds: 0.2,
      check: checkEcho,
    });
    for (const outcome of ['ok', 'lost', 'wrong', '429'] as const) assert.ok(outcomes[outcome] > 0, outcome);
    assert.match(firsts.wrong ?? '', /got nothing, not zero/);
  });

  test(`${name}: what is not answered in time is given up`, async () => {
    await using server = await obedientServer(() => undefined);
    const { outcomes } = await loop({ ...server, requests, connections: 2, seconds: 2.2, timeoutMs: 1000 });
    assert.ok(outcomes.timeout + outcomes.lost >= 2);
    assert.equal(outcomes.ok, 0);
  });

  test(`${name}: a server that nobody reaches ends the run at once`, async () => {
    const server = await obedientServer();
    await server[Symbol.asyncDispose]();
    const run = loop({ ...server, requests, connections: 2, seconds: 1 });
    await assert.rejects(run, /cannot connect to 127\.0\.0\.1:\d+: ECONNREFUSED/);
  });
}
