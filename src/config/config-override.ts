/** A model's configuration as a load request carries it: JSON, in Triton's vocabulary or Headgate's. */
import { ConfigError } from './config-error.ts';
import { isMap } from './layers.ts';
import { readModelConfig } from './model-config.ts';
import type { PbField, PbMessage, PbValue } from './pbtxt.ts';
import { readTritonConfig, type TritonModelConfig } from './triton-config.ts';
import { yamlLayer } from './yaml-layer.ts';

/** Names that only Triton's ModelConfig has; any of them decides for it. */
const TRITON_ONLY =
  /^(name|platform|backend|runtime|input|output|parameters|optimization|default_model_filename|[a-z]+_[a-z_]+)$/;
/** Fields whose JSON form is an object with free keys. */
const MAP_FIELDS = new Set(['parameters', 'inputs', 'metric_tags', 'cc_model_filenames']);

/** Parses the JSON text of a load request. Throws a ConfigError with every problem. */
export function parseConfigOverride(text: string, model: string): TritonModelConfig {
  const label = 'config';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError([{ origin: label, key: '', message: 'expected a JSON object' }]);
  }
  if (!isMap(value)) throw new ConfigError([{ origin: label, key: '', message: 'expected a JSON object' }]);
  if (Object.keys(value).some(key => TRITON_ONLY.test(key))) {
    return readTritonConfig(messageOf(value, label, 0), label, model);
  }
  const read = readModelConfig(yamlLayer(text, label), label);
  return { ...read, declared: undefined, modelFile: undefined };
}

function messageOf(object: Readonly<Record<string, unknown>>, label: string, depth: number): PbMessage {
  if (depth > 32) throw new ConfigError([{ origin: label, key: '', message: 'expected at most 32 levels' }]);
  const fields = new Map<string, PbField[]>();
  for (const [name, value] of Object.entries(object)) {
    if (value === null) continue;
    const values =
      MAP_FIELDS.has(name) && isMap(value) ? entriesOf(value) : Array.isArray(value) ? value : [value];
    fields.set(
      name,
      values.map(item => ({ value: fieldValue(item, label, depth), line: 1 })),
    );
  }
  return fields;
}

function entriesOf(value: Readonly<Record<string, unknown>>): unknown[] {
  return Object.entries(value).map(([key, below]) => ({ key, value: below }));
}

function fieldValue(value: unknown, label: string, depth: number): PbValue {
  if (isMap(value)) return messageOf(value, label, depth + 1);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new ConfigError([
    { origin: label, key: '', message: 'expected texts, numbers, booleans, lists and objects' },
  ]);
}
