import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { assertOk, binaryBody, type FloatTensor, inferBinary, inferUrl } from '../support/client.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { identity, slow, spin, writeRepository } from '../support/onnx.ts';
import { allGone, childrenOf } from '../support/processes.ts';

let folder: string;
let more: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-lifecycle-'));
  more = await mkdtemp(path.join(tmpdir(), 'headgate-lifecycle-'));
  await writeRepository(folder, {
    identity: { versions: { 1: identity() } },
    spin: {
      versions: { 1: spin() },
      // A sample that takes a tenth of a second: a run that takes a hundred times as long is not yet one that hangs.
      config:
        'maxBatchSize: 1\nmaxTimeoutMs: 60000\ntimeoutMs: 60000\nwarmup: [{ batchSize: 1, inputs: { iterations: { shape: [1], fill: 100000 } } }]\n',
    },
    slow: {
      versions: { 1: slow(100_000) },
      config: 'maxBatchSize: 1\nmaxTimeoutMs: 60000\ntimeoutMs: 60000\n',
    },
  });
});
after(async () => {
  for (const made of [folder, more]) await rm(made, { recursive: true, force: true });
});

const ROW: FloatTensor = { name: 'x', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };
const SLOW_ROW: FloatTensor = { name: 'x', shape: [1, 64], data: new Float32Array(64).fill(1) };

const sockets = async (headgate: Headgate): Promise<string[]> =>
  (await readdir(headgate.folder, { recursive: true })).filter(name => name.endsWith('.sock'));

test('SIGTERM: what was accepted is answered, ready is 503, live is 200, then it exits 0 and leaves nothing', async () => {
  await using headgate = await startHeadgate({ repository: folder });
  const workers = childrenOf(headgate.pid);
  assert.ok(workers.length > 0, 'there are worker processes');
  assert.ok((await sockets(headgate)).length > 0, 'there are socket files');
  const agent = new Agent({ keepAlive: true });
  await get(`${headgate.url}/v2/health/live`, agent);
  const accepted = inferBinary(inferUrl(headgate.url, 'slow'), [SLOW_ROW]);
  await untilRunning(headgate);
  headgate.process.kill('SIGTERM');
  const draining = await untilDraining(headgate.url, agent);
  assert.equal(draining.ready, 503);
  assertOk(await accepted);
  const exit = await headgate.ended();
  agent.destroy();
  assert.deepEqual(exit, { code: 0, signal: null }, headgate.output());
  await allGone(workers);
  assert.deepEqual(await sockets(headgate), []);
});

test('a second SIGTERM ends it at once, and no worker stays', async () => {
  await using headgate = await startHeadgate({ repository: folder });
  const workers = childrenOf(headgate.pid);
  // More turns than any machine makes while this lasts.
  const inputs = [{ name: 'iterations', shape: [1, 1], datatype: 'INT64', data: [1e12] }];
  const lost = fetch(inferUrl(headgate.url, 'spin'), {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  }).then(
    () => 'answered',
    () => 'lost',
  );
  await untilRunning(headgate);
  headgate.process.kill('SIGTERM');
  await untilRefusing(headgate);
  const exit = await headgate.stop('SIGTERM');
  assert.deepEqual(exit, { code: 1, signal: null }, headgate.output());
  await lost;
  await allGone(workers);
});

test('a second SIGTERM waits for no client that has sent half a body', { timeout: 60_000 }, async t => {
  const config = { timeouts: { drainMs: 600_000, requestMs: 600_000 } };
  await using headgate = await startHeadgate({ repository: folder, config });
  t.signal.addEventListener('abort', () => headgate.process.kill('SIGKILL'));
  const { hostname, port, pathname } = new URL(inferUrl(headgate.url, 'identity'));
  const half = connect(Number(port), hostname).on('error', () => {});
  half.write(`POST ${pathname} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n`);
  await once(half, 'data');
  half.write('{');
  headgate.process.kill('SIGTERM');
  await untilRefusing(headgate);
  const exit = await headgate.stop('SIGTERM');
  half.destroy();
  assert.deepEqual(exit, { code: 1, signal: null }, headgate.output());
});

test('SIGTERM does not wait for a model that is being loaded', { timeout: 60_000 }, async t => {
  const repository = path.join(more, 'endless');
  await writeRepository(repository, { endless: { versions: { 1: slow(1_000_000_000) } } });
  await using headgate = await startHeadgate({ repository, waitForReady: false });
  t.signal.addEventListener('abort', () => headgate.process.kill('SIGKILL'));
  while (!(await rows(headgate)).includes('"state":"LOADING"'));
  const workers = childrenOf(headgate.pid);
  assert.deepEqual(await headgate.stop(), { code: 0, signal: null }, headgate.output());
  await allGone(workers);
});

test('kill -9 of the gateway takes its workers and their sockets along', async () => {
  await using headgate = await startHeadgate({ repository: folder });
  const workers = childrenOf(headgate.pid);
  await headgate.stop('SIGKILL');
  await allGone(workers);
  assert.deepEqual(await sockets(headgate), []);
});

test('a worker that is killed is replaced, and callers get an answer or an honest 503', async () => {
  await using headgate = await startHeadgate({ repository: folder });
  const killed = await cpuWorker(headgate);
  const statuses = new Set<number>();
  let stop = false;
  const load = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!stop) {
        const answer = await inferBinary(inferUrl(headgate.url, 'identity'), [ROW]);
        statuses.add(answer.status);
        if (answer.status === 200) assert.deepEqual(answer.binary.get('y'), ROW.data);
      }
    }),
  );
  process.kill(killed, 'SIGKILL');
  await allGone([killed]);
  while ([killed, 0].includes(await cpuWorker(headgate)));
  const patience = { 'headgate-timeout-ms': '30000' };
  while ((await inferBinary(inferUrl(headgate.url, 'identity'), [ROW], patience)).status !== 200);
  stop = true;
  await load;
  for (const status of statuses) assert.ok([200, 503, 504].includes(status), `callers saw ${[...statuses]}`);
});

/** The process that serves the models now; 0 while there is none. */
async function cpuWorker(headgate: Headgate): Promise<number> {
  const rows = (await (await fetch(`${headgate.adminUrl}/v1/workers`)).json()) as { pid?: number }[];
  return rows[0]?.pid ?? 0;
}

interface Plain {
  readonly status: number;
  readonly connection: string | undefined;
}

function get(url: string, agent: Agent): Promise<Plain> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, response => {
      response.resume().on('end', () => {
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection });
      });
    })
      .on('error', reject)
      .end();
  });
}

/** Resolves once the slow model has begun a run: its statistics count the request's batch as sent. */
async function untilRunning(headgate: Headgate): Promise<void> {
  while (!(await rows(headgate)).includes('"runningBatches":1'));
}

/** The table of models as the admin plane answers it; '' while it does not listen. */
async function rows(headgate: Headgate): Promise<string> {
  try {
    return await (await fetch(`${headgate.adminUrl}/v1/models`)).text();
  } catch {
    return '';
  }
}

/** Asks on the kept connection until readiness flips; live must still be 200. */
async function untilDraining(url: string, agent: Agent): Promise<{ ready: number }> {
  for (;;) {
    const ready = await get(`${url}/v2/health/ready`, agent);
    if (ready.status === 200) continue;
    return { ready: ready.status };
  }
}

/** Resolves when no new connection is taken any more. */
async function untilRefusing(headgate: Headgate): Promise<void> {
  const { body } = binaryBody([ROW]);
  for (;;) {
    const refused = await fetch(`${headgate.url}/v2/health/ready`, { body: null }).then(
      response => response.status !== 200,
      () => body.length > 0,
    );
    if (refused) return;
  }
}
