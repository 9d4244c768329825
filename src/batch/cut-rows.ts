/** Shortens the rows of an output to what their caller would have got alone. */
import { ELEMENT_BYTES, type Tensor } from '../tensor.ts';
import { runsAlong } from './pad-rows.ts';

/**
 * The caller's share of an output that has `length` elements along an axis when the input has `padded`: as many as
 * its `own` length stands for, rounded up. A share that has begun is kept, because to cut it would lose an answer.
 */
export function shareOf(length: number, own: number, padded: number): number {
  return own === padded ? length : Math.ceil((length * own) / padded);
}

/**
 * The first `length` elements along `axis`, at most its own number. A view where they lie in one piece, as those of
 * a single row along its first dimension do; otherwise a copy a run.
 */
export function cutRows(tensor: Tensor, axis: number, length: number): Tensor {
  const { name, datatype, shape, data } = tensor;
  const whole = shape[axis] as number;
  if (whole === length) return tensor;
  const { count, stepBytes } = runsAlong(shape, axis, ELEMENT_BYTES[datatype]);
  const cutShape = shape.with(axis, length);
  const ownBytes = length * stepBytes;
  if (count === 1) return { name, datatype, shape: cutShape, data: data.subarray(0, ownBytes) };

  const wholeBytes = whole * stepBytes;
  const cut = Buffer.allocUnsafe(count * ownBytes);
  for (let run = 0; run < count; run++) {
    cut.set(data.subarray(run * wholeBytes, run * wholeBytes + ownBytes), run * ownBytes);
  }
  return { name, datatype, shape: cutShape, data: cut };
}
