/**
 * What the data plane costs on top of bare Fastify: a Fastify route that echoes a 3 KB body, and the infer route over
 * the identity service with the same body, in processes of their own, interleaved. Figures are each server's own CPU
 * time per request, which a busy machine disturbs less than requests per second. `node test/http/overhead.ts`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { createEvents } from '../../src/events.ts';
import { createDataPlane } from '../../src/http/data-plane.ts';
import { FakeService } from './fake-service.ts';
import { binaryBody } from './infer-bodies.ts';
import { OPTIONS } from './start-plane.ts';

/** It comes without types. */
const autocannon: (options: object) => Promise<{ non2xx: number; '2xx': number }> = createRequire(
  import.meta.url,
)('autocannon');

const ROUNDS = 7;
const REQUESTS = 20_000;
const { body, headerLength } = binaryBody(1, 768);

async function serveBare(): Promise<number> {
  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, bytes, done) => done(null, bytes));
  app.post('/v2/models/:model/infer', (request, reply) => {
    reply.header('content-type', 'application/octet-stream').send(request.body);
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

async function serveHeadgate(): Promise<number> {
  const service = new FakeService();
  // The fake remembers every inference for the tests; here that would be a leak.
  Object.defineProperty(service, 'submitted', { value: { push: () => 0 } });
  // The gateway keeps its targets, and the decoders what they know of them.
  const target = service.target('identity', undefined);
  service.target = () => target;
  const plane = createDataPlane(service, OPTIONS, createEvents());
  return (await plane.listen({ host: '127.0.0.1', port: 0 })).port;
}

interface Server {
  readonly port: number;
  cpuUs(): Promise<number>;
  stop(): void;
}

async function measure(server: Server): Promise<number> {
  const before = await server.cpuUs();
  const result = await autocannon({
    url: `http://127.0.0.1:${server.port}/v2/models/identity/infer`,
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(headerLength),
    },
    connections: 32,
    amount: REQUESTS,
  });
  if (result['2xx'] !== REQUESTS) throw new Error(`${result.non2xx} requests failed`);
  return ((await server.cpuUs()) - before) / REQUESTS;
}

async function start(kind: string): Promise<Server> {
  const child = fork(import.meta.filename, [kind]);
  const [port] = (await once(child, 'message')) as [number];
  const cpuUs = async (): Promise<number> => {
    child.send('cpu');
    return ((await once(child, 'message')) as [number])[0];
  };
  return { port, cpuUs, stop: () => void child.kill() };
}

async function serve(kind: string): Promise<void> {
  const port = await (kind === 'bare' ? serveBare() : serveHeadgate());
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.send?.(port);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function compare(): Promise<void> {
  const [bare, headgate] = [await start('bare'), await start('headgate')];
  const rounds: { bareUs: number; headgateUs: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const figures = { bareUs: await measure(bare), headgateUs: await measure(headgate) };
    // The first warms both up.
    if (round > 0) rounds.push(figures);
  }
  bare.stop();
  headgate.stop();
  const bareUs = median(rounds.map(figures => figures.bareUs));
  const headgateUs = median(rounds.map(figures => figures.headgateUs));
  console.log(
    JSON.stringify({ bareUs, headgateUs, extraUs: headgateUs - bareUs, ratio: headgateUs / bareUs, rounds }),
  );
}

const kind = process.argv[2];
await (kind === undefined ? compare() : serve(kind));
