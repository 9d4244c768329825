/** Which made-up inputs to try on a model whose signature leaves sizes free, in order. */
import { GatewayError } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import { ELEMENT_BYTES, elementCount, type Shape, type TensorSpec } from '../tensor.ts';
import { type Sample, sampleInput } from './sample-rows.ts';
import type { WarmupInput, WarmupSample } from './version-spec.ts';

/** Sizes for free dimensions: token sequences take the first, convolutions need room to shrink. */
const LADDER = [1, 16, 32, 64, 224];
/** Larger inputs are not tried: several free dimensions at 224 would be gigabytes. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;

/**
 * Samples to try until the model accepts one. `warmup` fixes what it names; the rest comes from the signature.
 * Throws `invalid` when `warmup` names what the model does not have.
 */
export function sampleCandidates(
  signature: ModelSignature,
  batched: boolean,
  warmup: WarmupSample | undefined,
): readonly Sample[] {
  checkWarmup(signature, batched, warmup);
  const candidates: Sample[] = [];
  for (const size of LADDER) {
    const shapes = signature.inputs.map(input => rowShape(input, batched, warmup?.inputs[input.name], size));
    if (!affordable(signature.inputs, shapes)) continue;
    const inputs = signature.inputs.map((input, i) => {
      const fill = warmup?.inputs[input.name]?.fill ?? 'random';
      return sampleInput(input.name, input.datatype, shapes[i] as Shape, fill);
    });
    candidates.push({ inputs, batched });
    if (!hasFreeSize(signature.inputs, batched, warmup)) break;
  }
  return candidates;
}

function rowShape(
  input: TensorSpec,
  batched: boolean,
  given: WarmupInput | undefined,
  size: number,
): readonly number[] {
  if (given?.shape !== undefined) return given.shape;
  if (batched) return input.shape.slice(1).map(dimension => (dimension < 0 ? size : dimension));
  // A free first axis is most often a batch of one, even where it could not be verified.
  return input.shape.map((dimension, axis) => (dimension >= 0 ? dimension : axis === 0 ? 1 : size));
}

function hasFreeSize(
  inputs: readonly TensorSpec[],
  batched: boolean,
  warmup: WarmupSample | undefined,
): boolean {
  return inputs.some(
    input =>
      warmup?.inputs[input.name]?.shape === undefined &&
      input.shape.some((dimension, axis) => dimension < 0 && (axis > 0 || !batched)),
  );
}

function affordable(inputs: readonly TensorSpec[], shapes: readonly Shape[]): boolean {
  return inputs.every(
    (input, i) =>
      elementCount(shapes[i] as Shape) * Math.max(8, ELEMENT_BYTES[input.datatype]) <= MAX_ROW_BYTES,
  );
}

function checkWarmup(signature: ModelSignature, batched: boolean, warmup: WarmupSample | undefined): void {
  for (const [name, given] of Object.entries(warmup?.inputs ?? {})) {
    const input = signature.inputs.find(one => one.name === name);
    if (input === undefined) {
      const known = signature.inputs.map(one => `'${one.name}'`).join(', ');
      throw new GatewayError('invalid', `warmup names the input '${name}', but the model has ${known}`);
    }
    if (given.datatype !== undefined && given.datatype !== input.datatype) {
      throw new GatewayError(
        'invalid',
        `warmup input '${name}' is ${given.datatype}, but the model takes ${input.datatype}`,
      );
    }
    checkShape(name, given.shape, batched ? input.shape.slice(1) : input.shape);
  }
}

function checkShape(name: string, given: Shape | undefined, wanted: Shape): void {
  if (given === undefined) return;
  const fits =
    given.length === wanted.length && wanted.every((size, axis) => size < 0 || size === given[axis]);
  if (fits) return;
  throw new GatewayError(
    'invalid',
    `warmup input '${name}' has shape [${given}], but the model takes [${wanted}] (-1: any size)`,
  );
}
