/** Lengthens the rows of a tensor. One fill and a copy a contiguous run: no work per element. */
import { ELEMENT_BYTES, elementCount, type Shape, type Tensor } from '../tensor.ts';

/** Where the runs along one axis lie in a tensor's bytes. */
export interface Runs {
  /** How many: the product of the dimensions before the axis. */
  readonly count: number;
  /** Bytes of one step along the axis. */
  readonly stepBytes: number;
}

export function runsAlong(shape: Shape, axis: number, elementBytes: number): Runs {
  let count = 1;
  for (let i = 0; i < axis; i++) count *= shape[i] as number;
  let stepBytes = elementBytes;
  for (let i = axis + 1; i < shape.length; i++) stepBytes *= shape[i] as number;
  return { count, stepBytes };
}

/**
 * The bytes of `tensor` with its `axis` lengthened to `length`, at least its own, by copies of `filler`: one
 * element's bytes. Not for BYTES, whose elements have no fixed size.
 */
export function padRows(
  { datatype, shape, data }: Tensor,
  axis: number,
  length: number,
  filler: Uint8Array,
): Uint8Array {
  const own = shape[axis] as number;
  if (own === length) return data;
  const { count, stepBytes } = runsAlong(shape, axis, ELEMENT_BYTES[datatype]);
  const padded = Buffer.allocUnsafe(count * length * stepBytes).fill(filler);
  const ownBytes = own * stepBytes;
  const runBytes = length * stepBytes;
  for (let run = 0; run < count; run++) {
    padded.set(data.subarray(run * ownBytes, (run + 1) * ownBytes), run * runBytes);
  }
  return padded;
}

/** Elements by which `padRows` lengthens it. */
export function elementsAdded({ shape }: Tensor, axis: number, length: number): number {
  return elementCount(shape.with(axis, length - (shape[axis] as number)));
}
