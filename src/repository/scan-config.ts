/** One model's configuration as its folder says it, with the files it names. */
import path from 'node:path';
import { ConfigError } from '../config/config-error.ts';
import type { DeclaredTensors } from '../config/declared-tensors.ts';
import { parseModelConfig } from '../config/model-config.ts';
import type { ModelConfig } from '../config/model-options.ts';
import { parseTritonConfig, type TritonModelConfig } from '../config/triton-config.ts';
import type { FileMemory } from './file-memory.ts';
import { realPathInside } from './names.ts';

/** What a folder's configuration comes to. */
export interface ConfigPart {
  readonly config: ModelConfig;
  readonly origins: ReadonlyMap<string, string>;
  readonly unsupported: readonly string[];
  readonly declared: DeclaredTensors | undefined;
  readonly modelFile: string | undefined;
  readonly classLabels: ReadonlyMap<string, readonly string[]>;
  /** Why it is refused; ''. */
  readonly problem: string;
}

/** The configuration of a model of which nothing is said. */
export function defaultPart(problem = ''): ConfigPart {
  return { ...ours('', 'default'), classLabels: new Map(), problem };
}

/** Returns 'moving' while a file of it is being written. `label` is the folder as origins name it. */
export async function scanConfig(
  folder: string,
  label: string,
  model: string,
  memory: FileMemory,
): Promise<ConfigPart | 'moving'> {
  const yaml = await memory.text(path.join(folder, 'config.yaml'));
  const pbtxt = yaml.state === 'absent' ? await memory.text(path.join(folder, 'config.pbtxt')) : yaml;
  if (yaml.state === 'moving' || pbtxt.state === 'moving') return 'moving';
  if (pbtxt.state === 'absent') return defaultPart();
  try {
    const parsed =
      yaml.state === 'settled'
        ? ours(notEmpty(yaml.value, `${label}/config.yaml`), `${label}/config.yaml`)
        : parseTritonConfig(pbtxt.value, `${label}/config.pbtxt`, model);
    refuseForeignFile(parsed.modelFile, `${label}/config.pbtxt`);
    const classLabels = await readClassLabels(parsed.config, folder, memory, label);
    return classLabels === 'moving' ? 'moving' : { ...parsed, classLabels, problem: '' };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return defaultPart(error.message);
  }
}

function ours(text: string, label: string): TritonModelConfig {
  return { ...parseModelConfig(text, label), declared: undefined, modelFile: undefined };
}

/** A file that was just emptied is being replaced, or a mistake: it does not mean "all defaults". */
function notEmpty(text: string, origin: string): string {
  if (text.trim() !== '') return text;
  throw new ConfigError([{ origin, key: '', message: 'the file is empty; remove it to use the defaults' }]);
}

function refuseForeignFile(modelFile: string | undefined, origin: string): void {
  if (modelFile === undefined || /^(?!\.)[A-Za-z0-9._-]+\.onnx$/.test(modelFile)) return;
  const message = "expected the name of an .onnx file in the version's folder";
  throw new ConfigError([{ origin, key: 'default_model_filename', message }]);
}

/** Labels by output; a text names a file in the model's folder with a label a line. Throws a ConfigError. */
async function readClassLabels(
  config: ModelConfig,
  folder: string,
  memory: FileMemory,
  label: string,
): Promise<ReadonlyMap<string, readonly string[]> | 'moving'> {
  const labels = new Map<string, readonly string[]>();
  const root = await realPathInside(path.dirname(folder), folder);
  for (const [output, given] of Object.entries(config.classLabels)) {
    if (typeof given !== 'string') {
      labels.set(output, given);
      continue;
    }
    const file = root === undefined ? undefined : await realPathInside(root, path.join(root, given));
    const text = file === undefined ? undefined : await memory.text(file);
    if (text?.state === 'moving') return 'moving';
    if (text?.state !== 'settled') {
      const message = "expected a file in the model's folder";
      throw new ConfigError([{ origin: label, key: `classLabels.${output}`, message }]);
    }
    labels.set(output, text.value.replace(/\r?\n$/, '').split(/\r?\n/));
  }
  return labels;
}
