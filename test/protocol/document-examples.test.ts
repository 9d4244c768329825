import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import { type EncodeOptions, encodeInfer } from '../../src/protocol/encode-infer.ts';
import { decodeReply } from '../../src/protocol/worker-reply.ts';
import * as doc from './fixtures/documents.ts';

const options: EncodeOptions = { nonFinite: 'error', classLabels: new Map() };
const bytes = (text: string): Buffer => Buffer.from(text);

test("decodes the binary extension's request, tensors as views of the body", () => {
  const json = bytes(doc.BINARY_REQUEST_JSON);
  const body = Buffer.concat([json, doc.BINARY_REQUEST_TENSORS]);
  const request = decodeInfer(body, json.length, doc.MYMODEL);
  assert.equal(doc.BINARY_REQUEST_TENSORS.length, 19);
  assert.deepEqual(
    request.inputs.map(({ name, shape, data }) => [name, shape, Buffer.from(data).toString('hex')]),
    [
      ['input0', [2, 2], '01000000020000000300000004000000'],
      ['input1', [3], '010001'],
    ],
  );
  assert.ok(request.inputs.every(input => input.data.buffer === body.buffer));
  assert.deepEqual(request.outputs, [{ name: 'output0', binary: true, classification: 0 }]);
  assert.equal(request.rows, 1);
});

test("decodes the binary extension's reply", () => {
  const json = bytes(doc.BINARY_REPLY_JSON);
  const [output] = decodeReply(Buffer.concat([json, doc.OUTPUT0_BYTES]), json.length);
  assert.deepEqual({ ...output, data: Buffer.from(output?.data ?? []) }, doc.OUTPUT0);
});

test('answers the binary example with the same members and bytes', () => {
  const json = bytes(doc.BINARY_REQUEST_JSON);
  const request = decodeInfer(Buffer.concat([json, doc.BINARY_REQUEST_TENSORS]), json.length, doc.MYMODEL);
  const reply = encodeInfer(
    { model: 'mymodel', version: '1', id: '', outputs: [doc.OUTPUT0] },
    request,
    options,
  );
  assert.equal(reply.contentType, 'application/octet-stream');
  assert.equal((reply.headerLength ?? 1) % 8, 0);
  const [head, tensor] = reply.chunks;
  assert.equal(head?.length, reply.headerLength);
  assert.equal(
    Buffer.from(head ?? [])
      .toString()
      .trimEnd(),
    '{"model_name":"mymodel","model_version":"1","outputs":[{"name":"output0","datatype":"FP32","shape":[3,2],"parameters":{"binary_data_size":24}}]}',
  );
  assert.equal(tensor, doc.OUTPUT0_BYTES);
  assert.equal(reply.byteLength, (reply.headerLength ?? 0) + 24);
});

test('decodes the JSON example once its element count is right, and refuses it as printed', () => {
  const request = decodeInfer(bytes(doc.JSON_REQUEST), undefined, doc.MYMODEL);
  assert.equal(request.id, '42');
  assert.deepEqual(
    request.inputs.map(input => Buffer.from(input.data).toString('hex')),
    ['01000000020000000300000004000000', '010001'],
  );
  assert.throws(
    () => decodeInfer(bytes(doc.JSON_REQUEST_AS_PRINTED), undefined, doc.MYMODEL),
    new GatewayError('invalid', 'inputs[1].data: expected 3 elements, got 1'),
  );
});

test('answers the JSON example as the document prints it', () => {
  const request = decodeInfer(bytes(doc.JSON_REQUEST), undefined, doc.MYMODEL);
  const reply = encodeInfer(
    { model: 'mymodel', version: '1', id: '42', outputs: [doc.OUTPUT0] },
    request,
    options,
  );
  assert.equal(reply.headerLength, undefined);
  assert.equal(reply.contentType, 'application/json');
  const printed = JSON.parse(doc.JSON_REPLY) as Record<string, unknown>;
  const written = JSON.parse(Buffer.concat(reply.chunks).toString()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(written), ['id', 'model_name', 'model_version', 'outputs']);
  assert.deepEqual(written['outputs'], printed['outputs']);
  assert.deepEqual(
    Buffer.from(decodeReply(bytes(doc.JSON_REPLY), undefined)[0]?.data ?? []),
    doc.OUTPUT0_BYTES,
  );
});

test('takes the matrix of the document nested and flat', () => {
  for (const data of [doc.NESTED_DATA, doc.FLAT_DATA]) {
    const json = `{"inputs":[{"name":"input0","shape":[2,2],"datatype":"UINT32","data":${data}}]}`;
    const [input] = decodeInfer(bytes(json), undefined, doc.CLASSIFIER).inputs;
    assert.equal(Buffer.from(input?.data ?? []).toString('hex'), '01000000020000000400000005000000');
  }
});

test('answers the classification examples, without and with labels', () => {
  const request = decodeInfer(bytes(doc.CLASSIFICATION_REQUEST), undefined, doc.CLASSIFIER);
  const labels = ['index_0_label', 'index_1_label', 'index_2_label', 'index_3_label'];
  for (const [classLabels, data] of [
    [new Map(), doc.CLASSIFICATION_DATA],
    [new Map([['output0', labels]]), doc.LABELLED_CLASSIFICATION_DATA],
  ] as const) {
    const reply = encodeInfer(
      { model: 'mymodel', version: '', id: request.id, outputs: [doc.SCORES] },
      request,
      { ...options, classLabels },
    );
    assert.deepEqual(JSON.parse(Buffer.concat(reply.chunks).toString()), {
      id: '42',
      model_name: 'mymodel',
      outputs: [{ name: 'output0', datatype: 'BYTES', shape: [2], data }],
    });
  }
});
