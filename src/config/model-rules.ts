/** What must hold between a model's options, beyond each one's own type. */
import type { ModelConfig } from './model-options.ts';

export interface BrokenRule {
  readonly key: string;
  readonly message: string;
}

export function brokenModelRules(config: ModelConfig): BrokenRule[] {
  return [
    ...batchRules(config),
    ...paddingRules(config),
    ...timeRules(config),
    ...instanceRules(config),
    ...duplicateRules(config),
  ];
}

function batchRules({ maxBatchSize, batching }: ModelConfig): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const { preferredBatchSizes: preferred, allowedBatchSizes: allowed } = batching;
  if (allowed.some((size, i) => i > 0 && size <= (allowed[i - 1] ?? 0))) {
    broken.push({ key: 'batching.allowedBatchSizes', message: 'expected ascending sizes' });
  }
  const last = allowed.at(-1);
  if (maxBatchSize === undefined) return broken;
  if (last !== undefined && last !== maxBatchSize) {
    const message = `expected the last size to be maxBatchSize ${maxBatchSize}, found ${last}`;
    broken.push({ key: 'batching.allowedBatchSizes', message });
  }
  if (preferred.some(size => size > maxBatchSize)) {
    broken.push({
      key: 'batching.preferredBatchSizes',
      message: `expected sizes up to maxBatchSize ${maxBatchSize}`,
    });
  }
  return broken;
}

/** What can be known without the model; the rest is checked against its signature when it is loaded. */
function paddingRules({ padding, maxBatchSize }: ModelConfig): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const inputs = Object.keys(padding.inputs);
  if (inputs.length > 0 && maxBatchSize === 0) {
    broken.push({
      key: 'padding.inputs',
      message: 'expected none where maxBatchSize is 0: no batch is shared',
    });
  }
  for (const [name, { axis, follows }] of Object.entries(padding.outputs)) {
    const key = `padding.outputs.${name}`;
    if (inputs.length === 0) broken.push({ key, message: 'expected an input under padding.inputs as well' });
    else if (follows !== undefined && axis === undefined) {
      broken.push({ key, message: 'expected an axis beside follows' });
    } else if (follows !== undefined && !inputs.includes(follows)) {
      broken.push({ key, message: `expected follows to be one of ${inputs.join(', ')}, found ${follows}` });
    }
  }
  return broken;
}

function timeRules({ timeoutMs, maxTimeoutMs }: ModelConfig): BrokenRule[] {
  if (timeoutMs <= maxTimeoutMs) return [];
  return [{ key: 'timeoutMs', message: `expected at most maxTimeoutMs ${maxTimeoutMs}, found ${timeoutMs}` }];
}

function instanceRules({ instances, remote }: ModelConfig): BrokenRule[] {
  const broken: BrokenRule[] = [];
  if (instances.length === 0 && remote.length === 0) {
    broken.push({ key: 'instances', message: 'expected at least one instance, or a remote' });
  }
  instances.forEach(({ kind, devices }, i) => {
    if (kind === 'cpu' && devices !== undefined) {
      broken.push({ key: `instances[${i}].devices`, message: 'expected no devices for kind cpu' });
    }
  });
  return broken;
}

function duplicateRules({ versions }: ModelConfig): BrokenRule[] {
  if (!Array.isArray(versions) || new Set(versions).size === versions.length) return [];
  return [{ key: 'versions', message: 'expected each version once' }];
}
