/** What must be equal for two requests to share a batch: every dimension but the first, and the set of outputs. */
import type { Inference, ModelSignature } from '../inference.ts';
import type { Tensor, TensorSpec } from '../tensor.ts';

/** Makes the key function of one version; the empty key stands for its ordinary request. */
export function signatureKeyOf(signature: ModelSignature): (inference: Inference) => string {
  const { inputs, outputs } = signature;
  const isFixed = inputs.every(({ shape }) => shape.every((size, axis) => axis === 0 || size >= 0));
  return inference => {
    const shapes =
      isFixed && inference.inputs.length === inputs.length ? '' : shapesKey(inputs, inference.inputs);
    return inference.outputs === undefined ? shapes : shapes + outputsKey(outputs, inference.outputs);
  };
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

function shapesKey(specs: readonly TensorSpec[], tensors: readonly Tensor[]): string {
  const someAreLeftOut = tensors.length !== specs.length;
  let key = '';
  for (const { name, shape } of tensors) {
    if (someAreLeftOut) key += JSON.stringify(name);
    for (let axis = 1; axis < shape.length; axis++) key += `,${shape[axis]}`;
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
