/** Triton's per-model configuration, from `config.pbtxt` or its JSON form, in Headgate's vocabulary. */
import { ConfigError } from './config-error.ts';
import type { DeclaredTensors } from './declared-tensors.ts';
import { nearestWord } from './did-you-mean.ts';
import type { Layer } from './layers.ts';
import { type ReadModelConfig, readModelConfig } from './model-config.ts';
import { type PbMessage, parsePbtxt } from './pbtxt.ts';
import { type Settings, TritonFields } from './triton-fields.ts';
import { readBatching, readInstances, readVersions } from './triton-scheduling.ts';
import { readClassLabels, readTensors, readWarmup } from './triton-tensors.ts';

export interface TritonModelConfig extends ReadModelConfig {
  /** To be checked against the model; undefined when nothing is declared. */
  readonly declared: DeclaredTensors | undefined;
  /** `default_model_filename`, or undefined. */
  readonly modelFile: string | undefined;
}

/** Every field of Triton's ModelConfig; another name is a mistake. */
const KNOWN = [
  ...['name', 'platform', 'backend', 'runtime', 'version_policy', 'max_batch_size', 'input', 'output'],
  ...['batch_input', 'batch_output', 'optimization', 'dynamic_batching', 'sequence_batching'],
  ...['ensemble_scheduling', 'instance_group', 'default_model_filename', 'cc_model_filenames', 'metric_tags'],
  ...[
    'parameters',
    'model_warmup',
    'model_operations',
    'model_transaction_policy',
    'model_repository_agents',
  ],
  ...['response_cache', 'model_metrics'],
];

/** Parses `config.pbtxt`. `model` is the folder's name. Throws a ConfigError for what cannot be served. */
export function parseTritonConfig(text: string, label: string, model: string): TritonModelConfig {
  return readTritonConfig(parsePbtxt(text, label), label, model);
}

export function readTritonConfig(message: PbMessage, label: string, model: string): TritonModelConfig {
  const fields = new TritonFields(message, '', label);
  refuseUnknown(fields);
  refuseForeign(fields, model);
  const settings: Settings = new Map();
  const declared = readTensors(fields);
  const maxBatchSize = readMaxBatchSize(fields, declared !== undefined, settings);
  const notes = readBatching(fields, settings);
  readInstances(fields, settings);
  readVersions(fields, settings);
  readWarmup(fields, maxBatchSize ?? 1, settings);
  readClassLabels(fields, settings);
  readCache(fields, settings);
  const modelFile = fields.text('default_model_filename');
  const { config, origins, unsupported } = readModelConfig(layerOf(settings), label);
  return {
    ...{ config, origins, declared, modelFile },
    unsupported: [...notes, ...fields.unread(), ...unsupported],
  };
}

function refuseUnknown(fields: TritonFields): void {
  const problems = [...fields.names].flatMap(name => {
    if (KNOWN.includes(name)) return [];
    const near = nearestWord(name, KNOWN);
    const hint = near === undefined ? 'not a field of ModelConfig' : `did you mean ${near}?`;
    return [{ origin: fields.origin(name), key: name, message: `unknown field; ${hint}` }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Refuses what would answer wrongly, or not at all, if it were served regardless. */
function refuseForeign(fields: TritonFields, model: string): void {
  const name = fields.text('name');
  if (name !== undefined && name !== '' && name !== model) {
    throw fields.refuse('name', `expected the folder's name ${model}, found ${name}`);
  }
  const platform = fields.text('platform') ?? '';
  if (platform !== '' && platform !== 'onnxruntime_onnx') {
    throw fields.refuse(
      'platform',
      `expected onnxruntime_onnx, found ${platform}: only ONNX models are served`,
    );
  }
  const backend = fields.text('backend') ?? '';
  if (backend !== '' && backend !== 'onnxruntime') {
    throw fields.refuse('backend', `expected onnxruntime, found ${backend}: only ONNX models are served`);
  }
  for (const scheduler of ['sequence_batching', 'ensemble_scheduling', 'batch_input', 'batch_output']) {
    if (fields.has(scheduler))
      throw fields.refuse(scheduler, 'not served: expected a model of independent requests');
  }
}

/** Absent and with tensors declared it means 0, as in Triton; absent otherwise, it is derived from the model. */
function readMaxBatchSize(fields: TritonFields, declares: boolean, settings: Settings): number | undefined {
  const given = fields.integer('max_batch_size');
  if (given === undefined && !declares) return undefined;
  const value = given ?? 0;
  settings.set('maxBatchSize', { value, origin: fields.origin('max_batch_size') });
  return value;
}

function readCache(fields: TritonFields, settings: Settings): void {
  const enable = fields.message('response_cache')?.flag('enable');
  if (enable === undefined) return;
  settings.set('cache.enabled', { value: enable, origin: fields.origin('response_cache') });
}

/** Only `a` and `a.b` occur as paths here. */
function layerOf(settings: Settings): Layer {
  const value: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const [path, setting] of settings) {
    const [outer = '', inner] = path.split('.');
    if (inner === undefined) value[outer] = setting.value;
    else value[outer] = { ...(value[outer] as object | undefined), [inner]: setting.value };
    origins.set(path, setting.origin);
  }
  return { value, origins };
}
