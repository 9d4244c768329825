import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { encodeExecution } from '../../src/protocol/worker-request.ts';
import { inferOverHttp } from '../../src/worker/infer-over-http.ts';
import { LoadedModel } from '../../src/worker/loaded-model.ts';
import type { RunThread } from '../../src/worker/run-thread.ts';
import { Slot } from '../../src/worker/slot.ts';

const SIGNATURE = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
} as const;
/** A run that ends at once with no rows. */
const THREAD = {
  busy: false,
  run: ({ view }: Slot) => {
    view.writeOutput(0, { offset: 0, byteLength: 0, shape: [0, 1] });
    return Promise.resolve(undefined);
  },
} as unknown as RunThread;

const execution = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], parts: [new Uint8Array(4)] }],
  outputs: undefined,
  rows: 1,
} as const;
const { header, parts } = encodeExecution(execution);
const BINARY = {
  body: Buffer.concat([header, ...parts]),
  headers: { 'inference-header-content-length': header.length },
};
const JSON_INPUT = { name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] };
const JSON_BODY = { body: Buffer.from(JSON.stringify({ inputs: [JSON_INPUT] })), headers: {} };

async function serve(
  t: TestContext,
): Promise<{ model: LoadedModel; ask: (sent: typeof JSON_BODY) => Promise<number> }> {
  const model = new LoadedModel('m', '1.g1', SIGNATURE, [THREAD]);
  const server = createServer((req, res) => inferOverHttp(model, req, res));
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async ({ body, headers }: typeof JSON_BODY): Promise<number> => {
    const options = {
      port,
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-length': body.length },
    };
    const [response] = await once(request(options).end(body), 'response');
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  };
  return { model, ask };
}

const failOnce = (t: TestContext, times: number): void => {
  const { input } = Slot.prototype;
  let left = times;
  t.mock.method(Slot.prototype, 'input', function (this: Slot, byteLength: number) {
    if (left-- > 0) throw new RangeError('Array buffer allocation failed');
    return input.call(this, byteLength);
  });
  t.mock.method(console, 'error', () => undefined);
};

for (const [name, sent] of [
  ['binary', BINARY],
  ['JSON', JSON_BODY],
] as const) {
  test(`a slot that cannot be filled is free again: ${name}`, { timeout: 10_000 }, async t => {
    const { model, ask } = await serve(t);
    failOnce(t, 3);
    for (let i = 0; i < 3; i++) assert.deepEqual([await ask(sent), model.requests], [500, 0]);
    assert.deepEqual([await ask(sent), model.requests], [200, 0]);
  });

  test(`a slot that was waited for and cannot be filled goes to the next: ${name}`, {
    timeout: 10_000,
  }, async t => {
    const { model, ask } = await serve(t);
    const held: Slot[] = [];
    for (let i = 0; i < 2; i++) model.acquire(slot => held.push(slot));
    failOnce(t, 1);
    const answers = [ask(sent), ask(sent)];
    while (model.requests < 4) await new Promise(setImmediate);
    for (const slot of held) model.release(slot);
    assert.deepEqual((await Promise.all(answers)).sort(), [200, 500]);
    assert.equal(model.requests, 0);
  });
}
