/** A result as it is kept: memory of its own, one unit's. */
import { type Datatype, ELEMENT_BYTES, type Tensor } from '../tensor.ts';

export interface StoredResult {
  readonly outputs: readonly Tensor[];
  /** ms of the clock of who keeps it: of this process (`performance.now`), or since the epoch where others read it. */
  readonly storedAt: number;
}

/** What keeping a result costs besides its tensors' bytes: key, objects, and the table's own. Measured: 900 … 1,100. */
export const ENTRY_OVERHEAD_BYTES = 1024;

export function sizeOfResult({ outputs }: StoredResult): number {
  let bytes = ENTRY_OVERHEAD_BYTES;
  for (const { data } of outputs) bytes += data.byteLength;
  return bytes;
}

/** Copies the outputs: what they are views of is somebody else's. */
export function copiesOf(outputs: readonly Tensor[]): Tensor[] {
  return outputs.map(({ name, datatype, shape, data }) => ({
    name,
    datatype,
    shape,
    data: new Uint8Array(data),
  }));
}

/** No NaN and no infinity. They are never kept: what gave them once may be a fault that passes. */
export function isAllFinite(outputs: readonly Tensor[]): boolean {
  return outputs.every(({ datatype, data }) => hasFiniteValues(datatype, data));
}

/** Of the highest 16 bits of a float: all ones is what no finite value has. */
const EXPONENT: Partial<Record<Datatype, number>> = { FP16: 0x7c00, FP32: 0x7f80, FP64: 0x7ff0 };

function hasFiniteValues(datatype: Datatype, data: Uint8Array): boolean {
  const exponent = EXPONENT[datatype];
  if (exponent === undefined) return true;
  const width = ELEMENT_BYTES[datatype];
  for (let at = width - 1; at < data.length; at += width) {
    const high = ((data[at] as number) << 8) | (data[at - 1] as number);
    if ((high & exponent) === exponent) return false;
  }
  return true;
}
