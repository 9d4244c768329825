/** Whether a server elsewhere serves the same model, as far as its metadata can tell. */
import type { ModelSignature } from '../inference.ts';
import type { TensorSpec } from '../tensor.ts';

/** What differs, for a person; undefined where nothing does. The order of tensors, and free sizes, may differ. */
export function signatureMismatch(here: ModelSignature, there: ModelSignature): string | undefined {
  return (
    tensorsMismatch('input', here.inputs, there.inputs) ??
    tensorsMismatch('output', here.outputs, there.outputs)
  );
}

function tensorsMismatch(
  what: string,
  here: readonly TensorSpec[],
  there: readonly TensorSpec[],
): string | undefined {
  const unknown = there.find(({ name }) => !here.some(spec => spec.name === name));
  if (unknown !== undefined) return `it has the ${what} '${unknown.name}', which the model has not`;
  for (const spec of here) {
    const other = there.find(({ name }) => name === spec.name);
    if (other === undefined) return `it has no ${what} '${spec.name}'`;
    if (other.datatype !== spec.datatype)
      return `its ${what} '${spec.name}' is ${other.datatype}, expected ${spec.datatype}`;
    if (!fits(spec.shape, other.shape))
      return `its ${what} '${spec.name}' has shape [${other.shape}], expected [${spec.shape}]`;
  }
  return undefined;
}

function fits(here: readonly number[], there: readonly number[]): boolean {
  return (
    here.length === there.length &&
    here.every((size, i) => size === there[i] || size === -1 || there[i] === -1)
  );
}
