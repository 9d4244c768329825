/**
 * A tensor as it travels: a name, a datatype, a shape and its bytes in the Open Inference Protocol's
 * binary form (row-major, little-endian, BYTES elements framed by a uint32 length). Rooms that stack,
 * split, hash or forward tensors work on these bytes and need no knowledge of the datatype but BYTES.
 */

/** Bytes of one element on the wire; 0 for BYTES, whose elements carry their own length. */
export const ELEMENT_BYTES = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
} as const;

export type Datatype = keyof typeof ELEMENT_BYTES;

/** Row-major dimensions. In a request every one is ≥ 0; in a specification −1 stands for any size. */
export type Shape = readonly number[];

export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  /** −1 where the model takes any size. */
  readonly shape: Shape;
}

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  /** Exactly the tensor's bytes on the wire; possibly a view into a request or response body. */
  readonly data: Uint8Array;
}

/** Product of the dimensions: 1 for a scalar, 0 when any dimension is 0. May exceed 2⁵³; check before trusting. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i] as number;
  return count;
}

export function isDatatype(name: string): name is Datatype {
  return Object.hasOwn(ELEMENT_BYTES, name);
}
