import assert from 'node:assert/strict';
import test from 'node:test';
import { serverAddress, TargetError } from '../../src/load/describe-model.ts';
import { inferBody, inferRequest } from '../../src/load/infer-requests.ts';
import { ModelLoad } from '../../src/load/model-load.ts';
import { sampleInputs } from '../../src/load/sample-inputs.ts';
import { differenceOf } from '../../src/pool/compare-outputs.ts';
import { type Obey, obedientServer } from './obedient-server.ts';

const specs = [{ name: 'x', datatype: 'FP32', shape: [1, 4] }] as const;

/** What a model that gives back its input answers to this request; or to another, where `mix` says so. */
function modelServer(mix: (nth: number, concurrency: number) => number): Obey {
  let concurrency = 0;
  return (body, response, _, nth) => {
    concurrency++;
    const { inputs } = JSON.parse(body) as { inputs: readonly [{ data: readonly number[] }] };
    const data = inputs[0].data.map(value => value + mix(nth, concurrency));
    setImmediate(() => {
      concurrency--;
      response.end(JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 4], data }] }));
    });
  };
}

async function prepare(server: { readonly host: string; readonly port: number }, isChecked = true) {
  const address = serverAddress(`http://${server.host}:${server.port}`);
  const requests = [1, 2, 3].map(seed =>
    inferRequest(
      address,
      'm',
      undefined,
      inferBody(sampleInputs(specs, { seed, rows: 1, shapes: new Map() }), 'json'),
    ),
  );
  const { signal } = new AbortController();
  return ModelLoad.prepare({
    server: address,
    requests,
    differenceOf: isChecked ? differenceOf : undefined,
    timeoutMs: 5000,
    maxConnections: 8,
    signal,
  });
}

test('a server that answers the same in a crowd as alone is right, in closed and in open loops', async () => {
  await using server = await obedientServer(modelServer(() => 0));
  const load = await prepare(server);
  assert.equal(load.isChecked, true);
  const closed = await load.closed(4, 0.1);
  const open = await load.open(500, 0.1);
  assert.ok(closed.outcomes.ok > 0);
  assert.deepEqual([closed.outcomes.wrong, open.outcomes.wrong, open.outcomes.ok], [0, 0, 50]);
});

test("a server that mixes up its callers' answers in a crowd is found out", async () => {
  await using server = await obedientServer(modelServer((_, concurrency) => (concurrency > 1 ? 1 : 0)));
  const load = await prepare(server);
  assert.equal(load.isChecked, true);
  const { outcomes, firsts } = await load.closed(4, 0.1);
  assert.ok(outcomes.wrong > 0);
  assert.match(firsts.wrong ?? '', /output 'y': element 0 is/);
});

test('a model that answers differently even alone is not held to its first answers', async () => {
  await using server = await obedientServer(modelServer(nth => nth));
  const load = await prepare(server);
  assert.equal(load.isChecked, false);
  assert.equal((await load.closed(2, 0.1)).outcomes.wrong, 0);
});

test('who asks for no check gets none', async () => {
  await using server = await obedientServer(modelServer((_, concurrency) => (concurrency > 1 ? 1 : 0)));
  const load = await prepare(server, false);
  assert.equal((await load.closed(4, 0.1)).outcomes.wrong, 0);
});

test("a refusal of the first request is told in the server's words", async () => {
  await using server = await obedientServer((_, response) => {
    response.writeHead(400).end('{"error":"inputs[0].shape: expected [-1,7]"}');
  });
  await assert.rejects(
    prepare(server),
    error => error instanceof TargetError && /expected \[-1,7\]/.test(error.message),
  );
});

test('answers much larger than the first ones are not read', async () => {
  let isLarge = false;
  const model = modelServer(() => 0);
  await using server = await obedientServer((body, response, request, nth) => {
    if (isLarge) response.setHeader('content-length', 2 ** 30).flushHeaders();
    else void model(body, response, request, nth);
  });
  const load = await prepare(server);
  isLarge = true;
  const { outcomes, firsts } = await load.open(100, 0.05);
  assert.equal(outcomes.wrong, 5);
  assert.match(firsts.wrong ?? '', /an answer of more than \d+ bytes/);
});
