import assert from 'node:assert/strict';
import test from 'node:test';
import { inferBody, inferRequest } from '../../src/load/infer-requests.ts';
import { rowsOf, SampleError, sampleInputs } from '../../src/load/sample-inputs.ts';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import { type Datatype, ELEMENT_BYTES, type TensorSpec } from '../../src/tensor.ts';

const spec = (shape: number[], datatype: Datatype = 'FP32', name = 'x'): TensorSpec => ({
  name,
  datatype,
  shape,
});
const options = { seed: 1, rows: 1, shapes: new Map<string, readonly number[]>() };
const target = (specs: TensorSpec[]) => ({
  name: 'm',
  signature: { inputs: specs, outputs: [] },
  maxBatchSize: 0,
});

for (const datatype of Object.keys(ELEMENT_BYTES) as Datatype[]) {
  test(`${datatype} inputs are what a server of the protocol reads, and the same for the same seed`, () => {
    const specs = [spec([-1, 3, 5], datatype)];
    const inputs = sampleInputs(specs, { ...options, rows: 2 });
    assert.deepEqual(inputs[0]?.shape, [2, 3, 5]);
    const { bytes, jsonLength } = inferBody(inputs, 'binary');
    const [read] = decodeInfer(bytes, jsonLength, target(specs)).inputs;
    assert.deepEqual(Buffer.from(read?.data ?? []), Buffer.from(inputs[0]?.data ?? []));
    assert.deepEqual(sampleInputs(specs, { ...options, rows: 2 }), inputs);
    assert.notDeepEqual(sampleInputs(specs, { ...options, rows: 2, seed: 2 }), inputs);
    if (datatype === 'FP16') return;
    const [same] = decodeInfer(inferBody(inputs, 'json').bytes, undefined, target(specs)).inputs;
    assert.deepEqual(Buffer.from(same?.data ?? []), Buffer.from(inputs[0]?.data ?? []));
  });
}

const refused: [string, TensorSpec, object, RegExp][] = [
  ['a free dimension', spec([-1, 3, 48, -1]), {}, /say which size.*--shape x=1,3,48,128.*--input/],
  ['rows where there is no batch axis', spec([3, 3]), { rows: 4 }, /takes no 4 rows/],
  [
    'a shape that does not fit',
    spec([-1, 3]),
    { shapes: new Map([['x', [1, 4]]]) },
    /\[-1,3\]; \[1,4\] does not/,
  ],
  [
    'a shape for an input that is none',
    spec([1]),
    { shapes: new Map([['y', [1]]]) },
    /no input 'y'; it has 'x'/,
  ],
  ['more than a request may hold', spec([-1]), { shapes: new Map([['x', [1e8]]]) }, /400000000 bytes/],
];
for (const [what, one, more, message] of refused) {
  test(`${what} is refused, and the message says what would do`, () => {
    assert.throws(
      () => sampleInputs([one], { ...options, ...more }),
      error => error instanceof SampleError && message.test(error.message),
    );
  });
}

test('rows are counted along the first dimension that is free', () => {
  const specs = [spec([4], 'FP32', 'fixed'), spec([-1, 2], 'FP32', 'free')];
  assert.equal(rowsOf(specs, sampleInputs(specs, options)), 1);
  const shapes = new Map([['free', [7, 2]]]);
  assert.equal(rowsOf(specs, sampleInputs(specs, { ...options, shapes })), 7);
});

test('a request is one whole HTTP request, with the names of model and version escaped', () => {
  const server = { url: '', host: '::1', port: 8000, prefix: '/p', headers: { authorization: 'Bearer x' } };
  const text = Buffer.from(
    inferRequest(server, 'a b', '1', inferBody(sampleInputs([spec([1])], options), 'json')),
  ).toString();
  assert.match(text, /^POST \/p\/v2\/models\/a%20b\/versions\/1\/infer HTTP\/1\.1\r\nhost: \[::1\]:8000\r\n/);
  assert.match(text, /\r\nauthorization: Bearer x\r\n/);
  const [head = '', body = ''] = text.split('\r\n\r\n');
  assert.match(head, new RegExp(`content-length: ${body.length}$`));
});
