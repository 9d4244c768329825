import assert from 'node:assert/strict';
import test from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseConfigOverride } from '../../src/config/config-override.ts';
import { declarationMismatch } from '../../src/config/declared-tensors.ts';
import { parseTritonConfig } from '../../src/config/triton-config.ts';
import { modelConfigJson } from '../../src/config/triton-json.ts';

const FULL = `name: "x" # as in Triton's documentation
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "a" data_type: TYPE_FP32 dims: [ 3, -1 ] } ]
output { name: "o" data_type: TYPE_INT64 dims: [10] label_filename: "labels.txt" }
dynamic_batching {
  preferred_batch_size: [4, 8]
  max_queue_delay_microseconds: 100
  priority_levels: 2
  default_queue_policy { max_queue_size: 3 timeout_action: REJECT }
}
instance_group [ { count: 2 kind: KIND_GPU gpus: [0, 1] rate_limiter { priority: 1 } } ]
optimization { execution_accelerators { gpu_execution_accelerator: [ { name: "tensorrt" } ] } cuda { graphs: true } }
parameters { key: "intra_op_thread_count" value: { string_value: "4" } }
parameters { key: "other" value: { string_value: "4" } }
version_policy: { specific { versions: [1, 3] } }
model_warmup [ { name: "w" batch_size: 4 inputs { key: "a" value: { data_type: TYPE_FP32 dims: [3, 2] random_data: true } } } ]
response_cache { enable: true }
`;
const refusal = (text: string): string => {
  try {
    parseTritonConfig(text, 'config.pbtxt', 'x');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return '';
};

test("a Triton configuration says the same in Headgate's words", () => {
  const { config, origins, declared } = parseTritonConfig(FULL, 'config.pbtxt', 'x');
  assert.equal(config.maxBatchSize, 8);
  assert.deepEqual(config.batching.preferredBatchSizes, [4, 8]);
  assert.equal(config.batching.maxQueueDelayMs, 0.1);
  assert.equal(config.batching.maxQueueRows, 3);
  assert.equal(config.priorityLevels, 2);
  assert.deepEqual(config.instances, [{ kind: 'tensorrt', count: 2, intraOpThreads: 4, devices: [0, 1] }]);
  assert.deepEqual(config.versions, [1, 3]);
  assert.deepEqual(config.warmup, [{ batchSize: 4, inputs: { a: { shape: [3, 2], fill: 'random' } } }]);
  assert.equal(config.cache.enabled, true);
  assert.deepEqual(config.classLabels, { o: 'labels.txt' });
  assert.deepEqual(declared?.inputs, [{ name: 'a', datatype: 'FP32', shape: [3, -1] }]);
  assert.equal(origins.get('maxBatchSize'), 'config.pbtxt:3');
  assert.equal(origins.get('batching.maxQueueDelayMs'), 'config.pbtxt:8');
});

test('every field that is not honoured is named', () => {
  assert.deepEqual(parseTritonConfig(FULL, 'config.pbtxt', 'x').unsupported, [
    'dynamic_batching.default_queue_policy.max_queue_size (counted in rows, not requests)',
    'instance_group.rate_limiter',
    'optimization.cuda',
    'parameters.other.value.string_value',
  ]);
});

test('what would be served wrongly is refused with its line', () => {
  const table: [string, string][] = [
    ['max_batch_siz: 3', 'config.pbtxt:1: max_batch_siz: unknown field; did you mean max_batch_size?'],
    ['\nname: "y"', "config.pbtxt:2: name: expected the folder's name x, found y"],
    [
      'backend: "python"',
      'config.pbtxt:1: backend: expected onnxruntime, found python: only ONNX models are served',
    ],
    [
      'sequence_batching {}',
      'config.pbtxt:1: sequence_batching: not served: expected a model of independent requests',
    ],
    ['\nmax_batch_size: "a"', 'config.pbtxt:2: max_batch_size: expected an integer'],
    ['max_batch_size: -1', 'config.pbtxt:1: maxBatchSize: expected an integer from 0 to 65536, found -1'],
    ['input { data_type: TYPE_FP32 }', 'config.pbtxt: input.name: missing; expected the name of a tensor'],
    [
      'input { name: "a" data_type: FP32 }',
      'config.pbtxt:1: input.data_type: expected a datatype such as TYPE_FP32, found FP32',
    ],
  ];
  for (const [text, expected] of table) assert.equal(refusal(text), expected, text);
});

test('an absent max_batch_size is 0 where tensors are declared and derived where none are', () => {
  const declared = parseTritonConfig('input { name: "a" data_type: TYPE_FP32 dims: 3 }', 'c', 'x');
  assert.equal(declared.config.maxBatchSize, 0);
  assert.equal(parseTritonConfig('', 'c', 'x').config.maxBatchSize, undefined);
});

test("a load request's JSON is read in Triton's vocabulary or Headgate's", () => {
  const triton = parseConfigOverride(
    '{"max_batch_size":4,"version_policy":{"specific":{"versions":["1"]}},"parameters":{"intra_op_thread_count":{"string_value":"2"}}}',
    'x',
  );
  assert.equal(triton.config.maxBatchSize, 4);
  assert.deepEqual(triton.config.versions, [1]);
  assert.equal(triton.config.instances[0]?.intraOpThreads, 2);
  assert.equal(parseConfigOverride('{"maxBatchSize":4,"sloMs":5}', 'x').config.sloMs, 5);
  for (const text of ['', '[]', '3', '{"maxBatch', '{"maxBatchSize":"4"}', '{"max_batch_size":[[]]}']) {
    assert.throws(() => parseConfigOverride(text, 'x'), ConfigError, text);
  }
});

test('declared tensors that the model does not have are told', () => {
  const signature = {
    inputs: [{ name: 'a', datatype: 'FP32', shape: [-1, 3, 224] }],
    outputs: [{ name: 'o', datatype: 'INT64', shape: [-1, 10] }],
  } as const;
  const mismatch = (name: string, type: 'FP32' | 'FP64', shape: number[], maxBatchSize = 8) =>
    declarationMismatch({ inputs: [{ name, datatype: type, shape }], outputs: [] }, signature, maxBatchSize);
  assert.equal(mismatch('a', 'FP32', [3, -1]), undefined);
  assert.equal(mismatch('a', 'FP32', [-1, 3, 224], 0), undefined);
  assert.equal(mismatch('b', 'FP32', [3, 224]), "input 'b' is declared but the model has a");
  assert.equal(mismatch('a', 'FP64', [3, 224]), "input 'a' is declared FP64 but the model has FP32");
  assert.equal(mismatch('a', 'FP32', [3]), "input 'a' is declared [-1, 3] but the model has [-1, 3, 224]");
});

test("a served model's configuration reads back as itself", () => {
  const { config } = parseTritonConfig(FULL, 'config.pbtxt', 'x');
  const signature = {
    inputs: [{ name: 'a', datatype: 'FP32', shape: [-1, 3, -1] }],
    outputs: [{ name: 'o', datatype: 'INT64', shape: [-1, 10] }],
  } as const;
  const json = modelConfigJson({ name: 'x', config, signature, maxBatchSize: 8, caches: false });
  assert.deepEqual(json['input'], [{ name: 'a', data_type: 'TYPE_FP32', dims: [3, -1] }]);
  assert.deepEqual(json['response_cache'], { enable: false }, 'it says what is done, not what was asked');
  const again = parseConfigOverride(JSON.stringify(json), 'x');
  assert.equal(again.config.maxBatchSize, 8);
  assert.deepEqual(again.config.batching, config.batching);
  assert.deepEqual(again.config.versions, config.versions);
  assert.deepEqual(again.config.warmup, config.warmup);
  assert.deepEqual(again.declared?.outputs, [{ name: 'o', datatype: 'INT64', shape: [10] }]);
});
