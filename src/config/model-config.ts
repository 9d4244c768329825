/** From text to a model's configuration. */
import { ConfigError, type Problem } from './config-error.ts';
import type { Layer } from './layers.ts';
import { type ModelConfig, modelSchema } from './model-options.ts';
import { brokenModelRules } from './model-rules.ts';
import { type OptionSchema, optionSchema, optionsForLater } from './option-schema.ts';
import { readOptions } from './read-options.ts';
import { yamlLayer } from './yaml-layer.ts';

export interface ReadModelConfig {
  readonly config: ModelConfig;
  /** The path of every setting → where it came from: `models/x/config.yaml:3`, 'default' or 'derived'. */
  readonly origins: ReadonlyMap<string, string>;
  /** What it says that Headgate does not do, by path. */
  readonly unsupported: readonly string[];
}

/** Parses YAML or JSON in Headgate's vocabulary. Throws a ConfigError with every problem; `label` names the text. */
export function parseModelConfig(text: string, label: string): ReadModelConfig {
  return readModelConfig(yamlLayer(text, label), label);
}

/** Checks settings from any source. Throws a ConfigError with every problem. */
export function readModelConfig(layer: Layer, label: string): ReadModelConfig {
  const { value, origins, problems } = readOptions(modelSchema, layer, label);
  if (problems.length > 0) throw new ConfigError(problems);
  const broken = brokenModelRules(value);
  if (broken.length > 0) throw new ConfigError(broken.map(rule => located(rule, layer, origins, label)));
  const later = optionsForLater(optionSchema(modelSchema), value);
  return { config: value, origins, unsupported: later.map(path => `${path} (in a later version)`) };
}

function located(
  { key, message }: { readonly key: string; readonly message: string },
  layer: Layer,
  origins: ReadonlyMap<string, string>,
  label: string,
): Problem {
  return { origin: layer.origins.get(key) ?? origins.get(key) ?? label, key, message };
}

/** The part of a configuration whose change loads a version anew, as text to compare. */
export function reloadKey(config: ModelConfig): string {
  return JSON.stringify(reloadPart(optionSchema(modelSchema), config));
}

function reloadPart(schema: OptionSchema, value: unknown): unknown {
  if (schema.reload === true) return value;
  if (schema.properties === undefined) return undefined;
  const map = value as Readonly<Record<string, unknown>>;
  return Object.entries(schema.properties).map(([key, property]) => reloadPart(property, map[key]) ?? null);
}
