import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../src/errors.ts';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import type { DecodeTarget, InferRequest } from '../../src/protocol/infer-request.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/protocol/limits.ts';
import { BINARY_REQUEST_JSON, BINARY_REQUEST_TENSORS, JSON_REQUEST, MYMODEL } from './fixtures/documents.ts';
import { MIXED, single, WELL_FORMED } from './fixtures/malformed-requests.ts';

const decode = (text: string, target: DecodeTarget = MIXED): InferRequest =>
  decodeInfer(Buffer.from(text), undefined, target);
const hex = (request: InferRequest): readonly string[] =>
  request.inputs.map(input => Buffer.from(input.data).toString('hex'));

const X = '{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}';
const N = '{"name":"n","shape":[2,1],"datatype":"INT8","data":[5,-6]}';

test('puts inputs into the order of the signature and counts rows', () => {
  const request = decode(`{"inputs":[${N},${X}]}`);
  assert.deepEqual(
    request.inputs.map(input => input.name),
    ['x', 'n'],
  );
  assert.deepEqual(hex(request), ['0000803f000000400000404000008040', '05fa']);
  assert.equal(request.rows, 2);
  assert.equal(request.outputs, undefined);
  assert.equal(request.id, '');
});

test('leaves rows beyond the batch size to the batcher', () => {
  const values = Array.from({ length: 40 }, () => 0);
  const request = decode(
    `{"inputs":[{"name":"x","shape":[20,2],"datatype":"FP32","data":[${values}]},{"name":"n","shape":[20,1],"datatype":"INT8","data":[${values.slice(20)}]}]}`,
  );
  assert.equal(request.rows, 20);
});

test('reads members in any order, passing over those it does not know', () => {
  const inside =
    '{"data":[[1,2],[3,4]],"other":{"a":[null,true,{"b":"]"}]},"datatype":"FP32","shape":[2,2],"name":"x"}';
  const request = decode(
    ` \r\n\t{"outputs":[],"unknown":[[],{}],"inputs":[${inside},${N}],"model_name":"any","id":"\\u00e9\\n"} `,
  );
  assert.deepEqual(hex(request), hex(decode(`{"inputs":[${X},${N}]}`)));
  assert.equal(request.id, 'é\n');
});

test('mixes JSON and binary inputs, taking bytes in the order of the JSON', () => {
  const target: DecodeTarget = {
    name: 'm',
    maxBatchSize: 0,
    signature: {
      inputs: ['a', 'b', 'c'].map(name => ({ name, datatype: 'UINT8' as const, shape: [-1] })),
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    },
  };
  const binary = (name: string, bytes: number): string =>
    `{"name":"${name}","shape":[${bytes}],"datatype":"UINT8","parameters":{"binary_data_size":${bytes}}}`;
  const json = `{"inputs":[${binary('c', 2)},{"name":"b","shape":[1],"datatype":"UINT8","data":[7]},${binary('a', 1)}]}`;
  const body = Buffer.concat([Buffer.from(json), Buffer.from([1, 2, 3])]);
  assert.deepEqual(hex(decodeInfer(body, json.length, target)), ['03', '07', '0102']);
});

test('reads a name and strings beyond ASCII', () => {
  const target = single('BYTES', [-1]);
  const request = decode(
    '{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","data":["ü","\\ud83d\\ude00"]}],"id":"ö"}',
    target,
  );
  assert.deepEqual(hex(request), ['02000000c3bc04000000f09f9880']);
  assert.equal(request.id, 'ö');
});

test('takes zero elements, flat and nested, and a scalar', () => {
  const of = (shape: string, data: string): InferRequest =>
    decode(
      `{"inputs":[{"name":"x","shape":${shape},"datatype":"FP32","data":${data}}]}`,
      single('FP32', JSON.parse(shape) as number[]),
    );
  for (const [shape, data] of [
    ['[0]', '[]'],
    ['[2,0]', '[[],[]]'],
    ['[2,0]', '[]'],
    ['[0,2]', '[]'],
  ] as const)
    assert.deepEqual(hex(of(shape, data)), ['']);
  assert.deepEqual(hex(of('[]', '[1]')), ['0000803f']);
});

test('reads request parameters: the ones it knows, and the rest by name', () => {
  const { parameters } = decode(
    WELL_FORMED.replace(
      /\}$/,
      ',"parameters":{"priority":2,"timeout":1500,"binary_data_output":true,"user":"u","rate":0.5,"on":false,"sequence_id":0}}',
    ),
  );
  assert.deepEqual([parameters.priority, parameters.timeoutUs, parameters.binaryDataOutput], [2, 1500, true]);
  assert.deepEqual(
    [...parameters.custom],
    [
      ['user', 'u'],
      ['rate', 0.5],
      ['on', false],
      ['sequence_id', 0],
    ],
  );
  const none = decode(WELL_FORMED.replace(/\}$/, ',"parameters":{"priority":0,"timeout":0}}')).parameters;
  assert.deepEqual([none.priority, none.timeoutUs, none.binaryDataOutput], [undefined, undefined, false]);
});

test('takes __proto__ and constructor for names', () => {
  const target: DecodeTarget = {
    name: '__proto__',
    maxBatchSize: 0,
    signature: {
      inputs: [{ name: '__proto__', datatype: 'INT8', shape: [1] }],
      outputs: [{ name: 'constructor', datatype: 'INT8', shape: [1] }],
    },
  };
  const request = decode(
    '{"__proto__":{"polluted":1},"inputs":[{"name":"__proto__","shape":[1],"datatype":"INT8","data":[1],"parameters":{"__proto__":1}}],"outputs":[{"name":"constructor"}],"parameters":{"__proto__":"p","constructor":true}}',
    target,
  );
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.deepEqual(
    [...request.parameters.custom],
    [
      ['__proto__', 'p'],
      ['constructor', true],
    ],
  );
  assert.deepEqual(
    request.inputs.map(input => input.name),
    ['__proto__'],
  );
});

test('reads a raw body as the one input, a single row, answered in binary', () => {
  const batched: DecodeTarget = { ...single('FP32', [-1, 2, -1]), maxBatchSize: 4 };
  const request = decodeInfer(new Uint8Array(24), 0, batched);
  assert.deepEqual(request.inputs[0]?.shape, [1, 2, 3]);
  assert.deepEqual(
    [request.rows, request.parameters.binaryDataOutput, request.outputs],
    [1, true, undefined],
  );
  const text = decodeInfer(Buffer.from('hi'), 0, { ...single('BYTES', [-1, 1]), maxBatchSize: 4 });
  assert.deepEqual([text.inputs[0]?.shape, hex(text)], [[1, 1], ['020000006869']]);
});

test('refuses FP16 that would have to be JSON before the model runs', () => {
  const half = single('FP16', [1]);
  const target = {
    ...half,
    signature: { ...half.signature, outputs: [{ name: 'y', datatype: 'FP16' as const, shape: [1] }] },
  };
  const json = '{"inputs":[{"name":"x","shape":[1],"datatype":"FP16","parameters":{"binary_data_size":2}}]';
  const request = (rest: string): InferRequest =>
    decodeInfer(Buffer.from(`${json}${rest}}00`), json.length + rest.length + 1, target);
  const refusal = new GatewayError(
    'invalid',
    "output 'y' is FP16, which JSON cannot carry: ask for it with binary_data or binary_data_output",
  );
  assert.throws(() => request(''), refusal);
  assert.throws(
    () =>
      request(
        ',"parameters":{"binary_data_output":true},"outputs":[{"name":"y","parameters":{"binary_data":false}}]',
      ),
    refusal,
  );
  assert.equal(request(',"parameters":{"binary_data_output":true}').rows, 1);
  assert.equal(request(',"outputs":[{"name":"y","parameters":{"classification":1}}]').rows, 1);
});

test('holds requests to the limits it is given', () => {
  const limits = { ...DEFAULT_DECODE_LIMITS, maxInputs: 1 };
  assert.throws(
    () => decodeInfer(Buffer.from(WELL_FORMED), undefined, MIXED, limits),
    new GatewayError('invalid', 'inputs[1]: expected at most 1 inputs'),
  );
});

test('refuses broken bytes with a GatewayError and never takes what JSON.parse refuses', () => {
  const json = Buffer.from(JSON_REQUEST);
  const binary = Buffer.concat([Buffer.from(BINARY_REQUEST_JSON), BINARY_REQUEST_TENSORS]);
  const edits = fc.array(
    fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:0e.-\\ntf')))),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(edits, fc.boolean(), fc.nat(), (changes, asBinary, cut) => {
      let body = Buffer.from(asBinary ? binary : json);
      for (const [at, byte] of changes) body[at % body.length] = byte;
      if (cut % 5 === 0) body = body.subarray(0, cut % body.length);
      const headerLength = asBinary ? Buffer.byteLength(BINARY_REQUEST_JSON) : undefined;
      try {
        decodeInfer(body, headerLength, MYMODEL);
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === 'invalid', String(error));
        return;
      }
      JSON.parse(body.subarray(0, headerLength ?? body.length).toString());
    }),
    { numRuns: 5000 },
  );
});

test('refuses more classes than the limit, naming the field', () => {
  const body = (classes: number) =>
    WELL_FORMED.replace(
      /\}$/,
      `,"outputs":[{"name":"${MIXED.signature.outputs[0]?.name}","parameters":{"classification":${classes}}}]}`,
    );
  assert.throws(() => decode(body(1001)), /outputs\[0\]\.parameters\.classification.*at most 1000/);
});
