import { GatewayError } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import { isDatatype, type TensorSpec } from '../tensor.ts';

const MAX_TENSORS = 4096;
const MAX_RANK = 32;

/** Reads a worker's model metadata, parsed from JSON, into a signature. Throws `internal`, naming the field. */
export function parseModelMetadata(json: unknown): ModelSignature {
  return {
    inputs: readSpecs(member(json, 'inputs'), 'inputs'),
    outputs: readSpecs(member(json, 'outputs'), 'outputs'),
  };
}

function readSpecs(list: unknown, field: string): readonly TensorSpec[] {
  if (!Array.isArray(list) || list.length > MAX_TENSORS)
    fail(field, `expected an array of at most ${MAX_TENSORS} tensors`);
  const names = new Set<string>();
  return list.map((item: unknown, i) => {
    const spec = readSpec(item, `${field}[${i}]`);
    if (names.has(spec.name)) fail(`${field}[${i}].name`, 'given twice');
    names.add(spec.name);
    return spec;
  });
}

function readSpec(item: unknown, field: string): TensorSpec {
  const name = member(item, 'name');
  const datatype = member(item, 'datatype');
  const shape = member(item, 'shape');
  if (typeof name !== 'string' || name === '') fail(`${field}.name`, 'expected a name');
  if (typeof datatype !== 'string' || !isDatatype(datatype))
    fail(
      `${field}.datatype`,
      `expected a datatype that Headgate knows, got ${String(datatype).slice(0, 32)}`,
    );
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isSize))
    fail(`${field}.shape`, 'expected an array of sizes, −1 where variable');
  return { name, datatype, shape };
}

function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && (size as number) >= -1;
}

function member(value: unknown, name: string): unknown {
  const owned = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
  return owned ? (value as Record<string, unknown>)[name] : undefined;
}

function fail(field: string, problem: string): never {
  throw new GatewayError('internal', `model metadata: ${field}: ${problem}`);
}
