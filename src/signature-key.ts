/** What must be equal for two requests to share a batch: every dimension but the first and the padded, and the set of outputs. */
import type { Inference, ModelSignature } from './inference.ts';
import type { Tensor, TensorSpec } from './tensor.ts';

const NO_AXES: ReadonlyMap<string, number> = new Map();

/**
 * Makes the key function of one version; the empty key stands for its ordinary request. `paddedAxes`: by input, the
 * axis whose size is left out.
 */
export function signatureKeyOf(
  signature: ModelSignature,
  paddedAxes: ReadonlyMap<string, number> = NO_AXES,
): (inference: Inference) => string {
  const { inputs, outputs } = signature;
  const isFixed = inputs.every(({ name, shape }) =>
    shape.every((size, axis) => axis === 0 || size >= 0 || axis === paddedAxes.get(name)),
  );
  return inference => {
    const shapes =
      isFixed && inference.inputs.length === inputs.length
        ? ''
        : shapesKey(inputs, inference.inputs, paddedAxes);
    return inference.outputs === undefined ? shapes : shapes + outputsKey(outputs, inference.outputs);
  };
}

/** The key of requests for all outputs with rows of these shapes, one for each input in the signature's order. */
export function rowShapesKey(rowShapes: readonly (readonly number[])[]): string {
  return rowShapes.map(shape => `${shape.map(size => `,${size}`).join('')};`).join('');
}

/** The outputs to compute, in the signature's order; undefined when that is all of them. */
export function outputsToRun(
  outputs: readonly TensorSpec[],
  wanted: readonly string[] | undefined,
): readonly string[] | undefined {
  if (wanted === undefined) return undefined;
  const names = outputs.map(({ name }) => name).filter(name => wanted.includes(name));
  return names.length === outputs.length ? undefined : names;
}

function shapesKey(
  specs: readonly TensorSpec[],
  tensors: readonly Tensor[],
  paddedAxes: ReadonlyMap<string, number>,
): string {
  const someAreLeftOut = tensors.length !== specs.length;
  let key = '';
  for (const { name, shape } of tensors) {
    if (someAreLeftOut) key += JSON.stringify(name);
    const padded = paddedAxes.get(name);
    for (let axis = 1; axis < shape.length; axis++) key += axis === padded ? ',*' : `,${shape[axis]}`;
    key += ';';
  }
  return key;
}

function outputsKey(outputs: readonly TensorSpec[], wanted: readonly string[]): string {
  let key = '|';
  let count = 0;
  for (let i = 0; i < outputs.length; i++) {
    if (!wanted.includes((outputs[i] as TensorSpec).name)) continue;
    key += `${i},`;
    count++;
  }
  return count === outputs.length ? '' : key;
}
