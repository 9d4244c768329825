/** Could the model have answered this? For results that came from where others write too. Pure. */
import type { ModelSignature } from '../inference.ts';
import { rowBoundsOf } from '../row-bounds.ts';
import type { Tensor, TensorSpec } from '../tensor.ts';
import { isAllFinite, type StoredResult } from './stored-result.ts';

/** Clocks of machines that share a cache differ by less, ms. */
const CLOCKS_DIFFER_MS = 60_000;

/** `outputs`: names that were asked for; undefined: all. `nowMs` since the epoch. */
export function isSoundAnswer(
  signature: ModelSignature,
  stored: StoredResult,
  outputs: readonly string[] | undefined,
  nowMs: number,
): boolean {
  if (stored.storedAt > nowMs + CLOCKS_DIFFER_MS || !isAllFinite(stored.outputs)) return false;
  const wanted = signature.outputs.filter(({ name }) => outputs === undefined || outputs.includes(name));
  return (
    stored.outputs.length === wanted.length &&
    wanted.every(spec => stored.outputs.some(output => isOf(spec, output)))
  );
}

function isOf({ name, datatype, shape }: TensorSpec, output: Tensor): boolean {
  if (output.name !== name || output.datatype !== datatype || output.shape.length !== shape.length)
    return false;
  if (shape.some((size, axis) => size >= 0 && size !== output.shape[axis])) return false;
  return rowBoundsOf(output, 1) !== undefined;
}
