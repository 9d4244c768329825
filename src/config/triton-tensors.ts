/** The tensors, samples and class labels of a Triton configuration. */
import type { TensorSpec } from '../tensor.ts';
import { type DeclaredTensors, datatypeOfTriton } from './declared-tensors.ts';
import type { Settings, TritonFields } from './triton-fields.ts';

export function readTensors(fields: TritonFields): DeclaredTensors | undefined {
  const inputs = fields.messages('input').flatMap(readTensor);
  const outputs = fields.messages('output').flatMap(readTensor);
  return inputs.length + outputs.length === 0 ? undefined : { inputs, outputs };
}

function readTensor(tensor: TritonFields): TensorSpec[] {
  const name = tensor.text('name');
  const type = tensor.text('data_type');
  const shape = tensor.integers('dims');
  if (tensor.text('format') === 'FORMAT_NONE') tensor.accept('format');
  if (name === undefined) throw tensor.refuse('name', 'missing; expected the name of a tensor');
  if (type === undefined) return [];
  const datatype = datatypeOfTriton(type);
  if (datatype === undefined)
    throw tensor.refuse('data_type', `expected a datatype such as TYPE_FP32, found ${type}`);
  // A reshaped tensor looks different to callers and to the model: it is named as unsupported and not checked.
  return tensor.has('reshape') ? [] : [{ name, datatype, shape }];
}

export function readClassLabels(fields: TritonFields, settings: Settings): void {
  const labels = fields.messages('output').flatMap(output => {
    const name = output.text('name');
    const file = output.text('label_filename') ?? '';
    return name === undefined || file === '' ? [] : [[name, file] as const];
  });
  if (labels.length > 0) {
    settings.set('classLabels', { value: Object.fromEntries(labels), origin: fields.origin('output') });
  }
}

export function readWarmup(fields: TritonFields, maxBatchSize: number, settings: Settings): void {
  const samples = fields.messages('model_warmup').map(sample => {
    sample.accept('name');
    sample.accept('count');
    const batchSize = Math.max(1, sample.integer('batch_size') ?? 1);
    const inputs = sample
      .entries('inputs')
      .map(({ key, fields: input }) => [key, readSample(input)] as const);
    return { batchSize: maxBatchSize === 0 ? 1 : batchSize, inputs: Object.fromEntries(inputs) };
  });
  if (samples.length > 0) settings.set('warmup', { value: samples, origin: fields.origin('model_warmup') });
}

function readSample(input: TritonFields): {
  readonly shape: readonly number[];
  readonly fill: 'zero' | 'random';
} {
  input.accept('data_type');
  input.accept('zero_data');
  return { shape: input.integers('dims'), fill: input.flag('random_data') === true ? 'random' : 'zero' };
}
