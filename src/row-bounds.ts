/** Where the rows of a tensor lie in its bytes. */
import { ELEMENT_BYTES, elementCount, type Tensor } from './tensor.ts';

/** BYTES rows differ in length, so each one's begin is noted, and the end of the last. */
export type RowBounds =
  | { readonly kind: 'even'; readonly rowBytes: number }
  | { readonly kind: 'framed'; readonly offsets: Float64Array };

/** Finds the rows of a tensor whose first dimension is `rows`; undefined when its bytes are not what its shape says. */
export function rowBoundsOf({ datatype, shape, data }: Tensor, rows: number): RowBounds | undefined {
  const elements = elementCount(shape);
  if (datatype === 'BYTES') return framedBounds(data, rows, elements / rows);
  return elements * ELEMENT_BYTES[datatype] === data.byteLength
    ? { kind: 'even', rowBytes: data.byteLength / rows }
    : undefined;
}

/** Where a row begins; the one after the last begins at the end. */
export function rowOffset(bounds: RowBounds, row: number): number {
  return bounds.kind === 'even' ? row * bounds.rowBytes : (bounds.offsets[row] as number);
}

/** A view of `count` rows; the bytes are not copied. */
export function viewOfRows(data: Uint8Array, bounds: RowBounds, from: number, count: number): Uint8Array {
  return data.subarray(rowOffset(bounds, from), rowOffset(bounds, from + count));
}

function framedBounds(data: Uint8Array, rows: number, elementsPerRow: number): RowBounds | undefined {
  const bytes = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const offsets = new Float64Array(rows + 1);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    offsets[row] = at;
    for (let element = 0; element < elementsPerRow; element++) {
      if (at + 4 > data.byteLength) return undefined;
      at += 4 + bytes.getUint32(at, true);
    }
  }
  offsets[rows] = at;
  return at === data.byteLength ? { kind: 'framed', offsets } : undefined;
}
