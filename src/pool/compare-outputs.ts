/** Whether two answers for one row are the same answer. */
import { type Datatype, ELEMENT_BYTES, elementCount, type Tensor } from '../tensor.ts';

/**
 * Floats may differ by this share of their own size plus this share of the row's largest value. Kernels for other
 * batch sizes sum in other orders: about 1e-6·√n in FP32, up to some 1e-4 with TF32 or FP16 arithmetic on a GPU.
 * Rows that were mixed differ by their own size, thousands of times more.
 */
const TOLERANCE = 1e-3;
/** FP16 results themselves carry 11 bits: 5e-4 each, several roundings deep. */
const TOLERANCE_FP16 = 1e-2;

/** By how much, of its own size and the row's largest value, an output of one row may differ with the others of its batch. */
export function toleranceOf(datatype: Datatype): number {
  if (datatype === 'FP16') return TOLERANCE_FP16;
  return datatype === 'FP32' || datatype === 'FP64' ? TOLERANCE : 0;
}

/** Wire bytes of each row of an output; undefined when its first dimension is not `rows` or its bytes do not split. */
export function splitRows(tensor: Tensor, rows: number): readonly Uint8Array[] | undefined {
  if (tensor.shape[0] !== rows) return undefined;
  const perRow = elementCount(tensor.shape) / rows;
  const split: Uint8Array[] = [];
  let from = 0;
  for (let row = 0; row < rows; row++) {
    const to = from + rowBytes(tensor, from, perRow);
    if (to > tensor.data.byteLength) return undefined;
    split.push(tensor.data.subarray(from, to));
    from = to;
  }
  return split;
}

function rowBytes({ datatype, data }: Tensor, from: number, elements: number): number {
  if (datatype !== 'BYTES') return elements * ELEMENT_BYTES[datatype];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = from;
  for (let i = 0; i < elements && at + 4 <= data.byteLength; i++) at += 4 + view.getUint32(at, true);
  return at - from;
}

/** Undefined when equal within tolerance; otherwise what differs, for a person. Integers and BYTES are compared exactly. */
export function differenceOf(datatype: Datatype, one: Uint8Array, other: Uint8Array): string | undefined {
  if (one.byteLength !== other.byteLength) return 'their sizes differ';
  const expected = floats(datatype, one);
  const actual = floats(datatype, other);
  if (expected === undefined || actual === undefined) {
    return Buffer.compare(one, other) === 0 ? undefined : 'their values differ';
  }
  return floatDifference(expected, actual, toleranceOf(datatype));
}

type Floats = Float16Array | Float32Array | Float64Array;

function floatDifference(expected: Floats, actual: Floats, tolerance: number): string | undefined {
  let scale = 0;
  for (const value of expected) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  for (let i = 0; i < expected.length; i++) {
    const a = expected[i] as number;
    const b = actual[i] as number;
    if (Object.is(a, b) || a === b) continue;
    const allowed = tolerance * (Math.max(Math.abs(a), Math.abs(b)) + scale);
    // An infinity allows itself anything, and a NaN compares to nothing: both must be met exactly, above.
    if (Number.isFinite(allowed) && Math.abs(a - b) <= allowed) continue;
    return `element ${i} is ${a.toPrecision(6)} and ${b.toPrecision(6)}`;
  }
  return undefined;
}

/** Over an aligned copy: a reply's bytes may begin anywhere. (`slice` of a Buffer would be a view.) */
function floats(datatype: Datatype, bytes: Uint8Array): Floats | undefined {
  if (datatype === 'FP32') return new Float32Array(new Uint8Array(bytes).buffer);
  if (datatype === 'FP64') return new Float64Array(new Uint8Array(bytes).buffer);
  if (datatype === 'FP16') return new Float16Array(new Uint8Array(bytes).buffer);
  return undefined;
}
