import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { modelMetadata, modelReady, serverMetadata } from '../../src/protocol/metadata.ts';
import { parseModelMetadata } from '../../src/protocol/model-metadata.ts';
import { MYMODEL } from './fixtures/documents.ts';

const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('describes the server with the extensions it implements', () => {
  assert.deepEqual(written(serverMetadata('headgate', '0.1.0')), {
    name: 'headgate',
    version: '0.1.0',
    extensions: [
      'classification',
      'model_repository',
      'model_configuration',
      'binary_tensor_data',
      'parameters',
      'statistics',
      'schedule_policy',
    ],
  });
  assert.deepEqual(modelReady('m', true), { name: 'm', ready: true });
});

test('reads back the metadata of a model as its signature', () => {
  const metadata = written(modelMetadata('m', ['1', '2'], { ...MYMODEL, rowTolerance: undefined })) as Record<
    string,
    unknown
  >;
  assert.deepEqual(Object.keys(metadata), ['name', 'versions', 'platform', 'inputs', 'outputs']);
  assert.equal(metadata['platform'], 'onnxruntime_onnx');
  assert.deepEqual(parseModelMetadata(metadata), MYMODEL.signature);
});

const spec = { name: 'x', datatype: 'FP32', shape: [-1] };
for (const [title, json, error] of [
  ['no object', null, 'inputs: expected an array of at most 4096 tensors'],
  [
    'inputs of another kind',
    { inputs: {}, outputs: [] },
    'inputs: expected an array of at most 4096 tensors',
  ],
  ['no name', { inputs: [{ ...spec, name: '' }], outputs: [] }, 'inputs[0].name: expected a name'],
  ['a name twice', { inputs: [spec, spec], outputs: [] }, 'inputs[1].name: given twice'],
  [
    'an unknown datatype',
    { inputs: [], outputs: [{ ...spec, datatype: 'BF16' }] },
    'outputs[0].datatype: expected a datatype that Headgate knows, got BF16',
  ],
  [
    'a datatype of Object',
    { inputs: [{ ...spec, datatype: 'toString' }], outputs: [] },
    'inputs[0].datatype: expected a datatype that Headgate knows, got toString',
  ],
  [
    'a fractional size',
    { inputs: [{ ...spec, shape: [1.5] }], outputs: [] },
    'inputs[0].shape: expected an array of sizes, −1 where variable',
  ],
  [
    'a size below −1',
    { inputs: [{ ...spec, shape: [-2] }], outputs: [] },
    'inputs[0].shape: expected an array of sizes, −1 where variable',
  ],
] as const) {
  test(`refuses metadata with ${title}`, () => {
    assert.throws(() => parseModelMetadata(json), new GatewayError('internal', `model metadata: ${error}`));
  });
}
