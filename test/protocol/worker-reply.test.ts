import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { decodeReply } from '../../src/protocol/worker-reply.ts';
import { encodeExecution } from '../../src/protocol/worker-request.ts';

const Y = '{"name":"y","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}';

test('takes a reply of JSON and binary outputs, the binary one as a view', () => {
  const json = `{"model_name":"m","outputs":[{"name":"n","shape":[2],"datatype":"INT64","data":[1,9007199254740993]},${Y}]}`;
  const body = Buffer.concat([Buffer.from(json), Buffer.alloc(4, 1)]);
  const [n, y] = decodeReply(body, json.length);
  assert.equal(Buffer.from(n?.data ?? []).readBigInt64LE(8), 9007199254740993n);
  assert.equal(y?.data.buffer, body.buffer);
  assert.deepEqual(y?.shape, [1]);
});

test('takes null for what a server leaves out', () => {
  const json =
    '{"id":null,"parameters":null,"outputs":[{"name":"y","shape":[1],"datatype":"INT32","parameters":null,"data":[7]}]}';
  const [y] = decodeReply(Buffer.from(json), undefined);
  assert.equal(Buffer.from(y?.data ?? []).readInt32LE(), 7);
});

for (const [title, json, bytes, error] of [
  ['without outputs', '{}', 0, 'outputs: required'],
  ['that is no JSON', 'oops', 0, 'body: invalid JSON at byte 0: expected a value'],
  ['with outputs twice', '{"outputs":[],"outputs":[]}', 0, 'outputs: given twice'],
  ['with one output twice', `{"outputs":[${Y},${Y}]}`, 8, 'outputs[1].name: given twice'],
  [
    'cut short',
    `{"outputs":[${Y}]}`,
    3,
    "unexpected size for output 'y', expecting 1 additional bytes for model 'worker'",
  ],
  ['with bytes left over', `{"outputs":[${Y}]}`, 5, "unexpected additional output data for model 'worker'"],
  [
    'of another size than its shape',
    `{"outputs":[${Y.replace('[1]', '[2]')}]}`,
    4,
    'outputs[0]: expected 8 bytes for 2 FP32 elements, got 4',
  ],
  [
    'with a datatype nobody knows',
    `{"outputs":[${Y.replace('FP32', 'BF16')}]}`,
    4,
    "outputs[0].datatype: expected a datatype of the protocol, got 'BF16'",
  ],
  [
    'with NaN in its JSON',
    '{"outputs":[{"name":"y","shape":[1],"datatype":"FP32","data":[NaN]}]}',
    0,
    'body: invalid JSON at byte 62: expected a value',
  ],
] as const) {
  test(`refuses a worker's reply ${title}, as the worker's fault`, () => {
    const body = Buffer.concat([Buffer.from(json), Buffer.alloc(bytes)]);
    assert.throws(() => decodeReply(body, json.length), new GatewayError('internal', error));
  });
}

test('refuses to send a parameter that JSON cannot carry', () => {
  assert.throws(
    () => encodeExecution({ inputs: [], outputs: undefined, rows: 1 }, { rate: Number.NaN }),
    new GatewayError('internal', "parameter 'rate' is NaN"),
  );
});
