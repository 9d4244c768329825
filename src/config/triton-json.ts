/** A served model's configuration in the JSON shape of Triton's ModelConfig, for `GET …/config`. */
import type { ModelSignature } from '../inference.ts';
import type { TensorSpec } from '../tensor.ts';
import { tritonType } from './declared-tensors.ts';
import type { ModelConfig } from './model-options.ts';

export interface ServedModel {
  readonly name: string;
  readonly config: ModelConfig;
  readonly signature: ModelSignature;
  /** As verified; 0: no batch axis. */
  readonly maxBatchSize: number;
  /** Are results kept? What is done, not what was asked. */
  readonly caches: boolean;
}

/** Dims leave out the batch axis when `max_batch_size` > 0, as Triton's do; 64-bit integers are plain numbers. */
export function modelConfigJson({
  name,
  config,
  signature,
  maxBatchSize,
  caches,
}: ServedModel): Record<string, unknown> {
  return {
    name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: versionPolicy(config),
    max_batch_size: maxBatchSize,
    input: signature.inputs.map(tensor => tensorJson(tensor, maxBatchSize)),
    output: signature.outputs.map(tensor => tensorJson(tensor, maxBatchSize)),
    ...(maxBatchSize > 0 ? { dynamic_batching: dynamicBatching(config, maxBatchSize) } : {}),
    instance_group: config.instances.map((group, i) => ({
      name: `${name}_${i}`,
      kind: group.kind === 'cpu' ? 'KIND_CPU' : 'KIND_GPU',
      count: group.count,
      gpus: group.kind === 'cpu' ? [] : (group.devices ?? [0]),
    })),
    default_model_filename: 'model.onnx',
    parameters: {},
    model_warmup: warmupJson(config, signature),
    response_cache: { enable: caches },
  };
}

function versionPolicy({ versions }: ModelConfig): Record<string, unknown> {
  if (versions === 'all') return { all: {} };
  if ('latest' in versions) return { latest: { num_versions: versions.latest } };
  return { specific: { versions } };
}

function tensorJson({ name, datatype, shape }: TensorSpec, maxBatchSize: number): Record<string, unknown> {
  return { name, data_type: tritonType(datatype), dims: maxBatchSize > 0 ? shape.slice(1) : [...shape] };
}

function dynamicBatching({ batching, priorityLevels, timeoutMs }: ModelConfig, maxBatchSize: number) {
  const { preferredBatchSizes, maxQueueDelayMs, maxQueueRows } = batching;
  return {
    preferred_batch_size: preferredBatchSizes.length > 0 ? preferredBatchSizes : [maxBatchSize],
    max_queue_delay_microseconds: maxQueueDelayMs === 'auto' ? 0 : Math.round(maxQueueDelayMs * 1000),
    preserve_ordering: false,
    priority_levels: priorityLevels > 1 ? priorityLevels : 0,
    default_queue_policy: {
      timeout_action: 'REJECT',
      default_timeout_microseconds: timeoutMs * 1000,
      allow_timeout_override: true,
      max_queue_size: maxQueueRows,
    },
  };
}

function warmupJson({ warmup }: ModelConfig, signature: ModelSignature): Record<string, unknown>[] {
  return warmup.map(({ batchSize, inputs }, i) => ({
    name: `sample_${i}`,
    batch_size: batchSize,
    count: 1,
    inputs: Object.fromEntries(
      Object.entries(inputs ?? {}).map(([name, { shape, fill }]) => {
        const datatype = signature.inputs.find(input => input.name === name)?.datatype;
        const data = fill === 'random' ? { random_data: true } : { zero_data: true };
        return [name, { data_type: tritonType(datatype ?? 'FP32'), dims: shape, ...data }];
      }),
    ),
  }));
}
