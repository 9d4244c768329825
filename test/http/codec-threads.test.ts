import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { isLargeAnswer, isLargeJson } from '../../src/http/codec-size.ts';
import { CodecThreads } from '../../src/http/codec-threads.ts';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import { type EncodeOptions, encodeInfer } from '../../src/protocol/encode-infer.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/protocol/limits.ts';
import { DEFAULT_PARAMETERS } from '../../src/protocol/read-parameters.ts';
import type { Tensor } from '../../src/tensor.ts';
import { SIGNATURE } from './fake-service.ts';
import { startPlane } from './start-plane.ts';

const DECODING = {
  target: { name: 'identity', signature: SIGNATURE, maxBatchSize: 64 },
  limits: DEFAULT_DECODE_LIMITS,
};
const ENCODING: EncodeOptions = {
  nonFinite: 'error',
  classLabels: new Map([['Y', ['cat', 'dog']]]),
  batched: true,
};
const WIDTH = 30_000;
const LARGE = JSON.stringify({
  id: 'large',
  inputs: [
    {
      name: 'X',
      datatype: 'FP32',
      shape: [1, WIDTH],
      data: Array.from({ length: WIDTH }, (_, i) => i / 1000),
    },
  ],
});

function threads(t: TestContext, most = 1, entry?: URL): CodecThreads {
  const made = new CodecThreads(most, entry);
  t.after(() => made.close());
  return made;
}

/** A thread that runs this code instead of the codec. */
const scripted = (code: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; ${code}`)}`,
  );
const body = (length: number) => ({
  body: Buffer.allocUnsafeSlow(length),
  headerLength: undefined,
  ...DECODING,
});
const gone = () => new GatewayError('cancelled', 'gone');

test('a thread decodes as the event loop does: JSON, and binary tensors behind it', async t => {
  const codec = threads(t);
  const header = Buffer.from(
    '{"inputs":[{"name":"X","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]}',
  );
  const binary = Buffer.concat([header, Buffer.from(Float32Array.of(1.5, -2).buffer)]);
  for (const [bytes, headerLength] of [
    [Buffer.from(LARGE), undefined],
    [binary, header.length],
  ] as const) {
    const expected = decodeInfer(bytes, headerLength, DECODING.target);
    const found = await codec.decode({ body: Buffer.from(bytes), headerLength, ...DECODING }).result;
    const plain = (tensors: readonly Tensor[]) => tensors.map(input => ({ ...input, data: [...input.data] }));
    assert.deepEqual(
      { ...found, inputs: plain(found.inputs) },
      { ...expected, inputs: plain(expected.inputs) },
    );
  }
});

test('a thread refuses as the event loop does, and goes on', async t => {
  const codec = threads(t);
  for (const text of ['{', '{"inputs":[{"name":"Z","datatype":"FP32","shape":[1,1],"data":[1]}]}', '{}']) {
    const bytes = Buffer.from(text);
    let expected: unknown;
    try {
      decodeInfer(bytes, undefined, DECODING.target);
    } catch (thrown) {
      expected = thrown;
    }
    const { code, message } = expected as GatewayError;
    const { result } = codec.decode({ body: bytes, headerLength: undefined, ...DECODING });
    await assert.rejects(result, { name: 'GatewayError', code, message });
  }
  assert.equal(codec.size, 1);
});

test('a thread encodes as the event loop does, and leaves the outputs where they are', async t => {
  const codec = threads(t);
  const data = new Uint8Array(Float32Array.of(1.25, 7, -0.1, 3).buffer);
  const outputs: Tensor[] = [{ name: 'Y', datatype: 'FP32', shape: [2, 2], data }];
  const reply = { model: 'identity', version: '1', id: 'a', outputs };
  const classes = [{ name: 'Y', binary: undefined, classification: 2 }];
  for (const request of [
    { outputs: undefined, parameters: DEFAULT_PARAMETERS },
    { outputs: undefined, parameters: { ...DEFAULT_PARAMETERS, binaryDataOutput: true } },
    { outputs: classes, parameters: DEFAULT_PARAMETERS },
  ]) {
    const expected = encodeInfer(reply, request, ENCODING);
    const found = await codec.encode({ reply, request, options: ENCODING }).result;
    assert.deepEqual(Buffer.concat(found.chunks), Buffer.concat(expected.chunks));
    assert.equal(found.headerLength, expected.headerLength);
  }
  assert.equal(data.length, 16);
});

test('a thread that dies fails the one body that it had, and the next has another thread', async t => {
  const answer = `parentPort.postMessage({ kind: 'refused', code: 'invalid', message: 'alive' })`;
  const codec = threads(
    t,
    1,
    scripted(`parentPort.on('message', job => job.body.length === 1 ? process.exit(3) : ${answer});`),
  );
  const [fatal, next] = [codec.decode(body(1)), codec.decode(body(2))];
  await assert.rejects(fatal.result, { code: 'unavailable' });
  await assert.rejects(next.result, { code: 'invalid', message: 'alive' });
  assert.equal(codec.size, 1);
});

test('threads that cannot even start fail their bodies, one each', async t => {
  const codec = threads(t, 2, scripted('throw new Error("broken")'));
  const results = [1, 2, 3, 4].map(length => codec.decode(body(length)).result);
  await Promise.all(results.map(result => assert.rejects(result, { code: 'unavailable' })));
  assert.equal(codec.size, 0);
});

test('no more threads start than allowed, what waits can be withdrawn, and close refuses the rest', async t => {
  const codec = threads(t, 2, scripted(`parentPort.on('message', () => {});`));
  const busy = [codec.decode(body(1)), codec.decode(body(1))];
  const withdrawn = codec.decode(body(1));
  const waiting = codec.decode(body(1));
  assert.equal(codec.size, 2);
  withdrawn.cancel(gone());
  await assert.rejects(withdrawn.result, { code: 'cancelled' });
  // What a thread works on is not given up: its memory counts until the thread lets go of it.
  busy[0]?.cancel(gone());
  const refused = [...busy, waiting].map(({ result }) => assert.rejects(result, { code: 'unavailable' }));
  await codec.close();
  await Promise.all(refused);
  await assert.rejects(codec.decode(body(1)).result, { code: 'unavailable' });
});

test('a bounded number of bodies waits', async t => {
  const codec = threads(t, 1, scripted(`parentPort.on('message', () => {});`));
  const waiting = Array.from({ length: 1025 }, () =>
    assert.rejects(codec.decode(body(1)).result, { code: 'unavailable' }),
  );
  await assert.rejects(codec.decode(body(1)).result, { code: 'overloaded' });
  await codec.close();
  await Promise.all(waiting);
});

test('what is large is told by the bytes of JSON and the numbers to write as JSON', () => {
  assert.equal(isLargeJson(128 * 1024, undefined), false);
  assert.equal(isLargeJson(128 * 1024 + 1, undefined), true);
  assert.equal(isLargeJson(2 ** 24, 200), false);
  assert.equal(isLargeJson(100, 2 ** 40), false);
  const of = (numbers: number): Tensor[] => [
    { name: 'Y', datatype: 'FP32', shape: [1, numbers], data: new Uint8Array(numbers * 4) },
  ];
  const asked = (binary: boolean | undefined, classification = 0) => ({
    outputs: [{ name: 'Y', binary, classification }],
    parameters: DEFAULT_PARAMETERS,
  });
  assert.equal(isLargeAnswer(of(10_000), asked(undefined)), false);
  assert.equal(isLargeAnswer(of(10_001), asked(undefined)), true);
  assert.equal(isLargeAnswer(of(1e6), asked(true)), false);
  assert.equal(isLargeAnswer(of(1e6), asked(true, 5)), true);
});

test('a large JSON request is answered like a small one, its large JSON answer too', async t => {
  const { url, service, plane, nextDone } = await startPlane(t);
  const done = nextDone();
  const response = await fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body: LARGE });
  assert.equal(response.status, 200);
  const { id, outputs } = (await response.json()) as { id: string; outputs: { data: number[] }[] };
  assert.equal(id, 'large');
  assert.deepEqual(outputs[0]?.data, JSON.parse(LARGE).inputs[0].data);
  assert.equal(service.submitted[0]?.rows, 1);
  assert.ok(isLargeJson(LARGE.length, undefined));
  const { outcome, decodeMs, encodeMs } = await done;
  assert.equal(outcome, 'ok');
  assert.ok(decodeMs > 0 && encodeMs > 0);
  assert.equal(plane.bodyBytes, 0);
});

test("a large JSON request's tensors are freed once it is answered, and kept while it runs", async t => {
  const { url, service, nextDone } = await startPlane(t);
  service.holds = true;
  service.output = { name: 'Y', datatype: 'FP32', shape: [1, 1], data: new Uint8Array(4) };
  const done = nextDone();
  const answered = fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body: LARGE });
  const held = await service.nextHeld();
  const [input] = held.inference.inputs;
  assert.equal(input?.data.length, WIDTH * 4);
  held.answer();
  assert.equal((await answered).status, 200);
  await done;
  assert.equal(input?.data.length, 0);
});

test("a large JSON request's tensors are kept where the answer shows them", async t => {
  const { url, service, nextDone } = await startPlane(t);
  const done = nextDone();
  const answered = await fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body: LARGE });
  assert.equal(answered.status, 200);
  await done;
  assert.equal(service.submitted[0]?.inputs[0]?.data.length, WIDTH * 4);
});

test('a large JSON request that is wrong is refused with the field, and gives its bytes back', async t => {
  const { url, service, plane } = await startPlane(t);
  const broken = LARGE.replace('19.999', '"text"');
  const response = await fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body: broken });
  assert.equal(response.status, 400);
  assert.match(
    ((await response.json()) as { error: string }).error,
    /inputs\[0\]\.data\[19999\]: expected a number/,
  );
  assert.equal(service.submitted.length, 0);
  assert.equal(plane.bodyBytes, 0);
});

test('a large JSON request runs on the version that is there when it has been read', async t => {
  const { url, service } = await startPlane(t);
  const original = service.target.bind(service);
  let asked = 0;
  service.target = (model, version) => {
    if (++asked === 3) service.version = '2';
    return original(model, version);
  };
  const response = await fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body: LARGE });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('headgate-version'), '2');
});

test('a large JSON request whose model has another signature once it has been read is to be sent again', async t => {
  const { url, service } = await startPlane(t);
  const original = service.target.bind(service);
  let asked = 0;
  service.target = (model, version) => {
    const target = original(model, version);
    return ++asked === 3 ? { ...target, signature: { ...SIGNATURE, outputs: [] } } : target;
  };
  const response = await fetch(`${url}/v2/models/identity/infer`, { method: 'POST', body: LARGE });
  assert.equal(response.status, 503);
  assert.equal(service.submitted.length, 0);
});

test('a client that leaves while its large JSON is read is cancelled and its bytes are given back', async t => {
  const { port, plane, service, nextDone } = await startPlane(t);
  service.holds = true;
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const done = nextDone();
  const head = `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE.length}\r\n\r\n`;
  socket.write(head + LARGE, () => socket.resetAndDestroy());
  assert.equal((await done).outcome, 'cancelled');
  assert.equal(plane.inFlight, 0);
  assert.equal(plane.bodyBytes, 0);
});
