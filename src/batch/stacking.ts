/** From the pieces of a batch to one execution. Nothing is copied: each part is a view of its caller's bytes. */
import { GatewayError } from '../errors.ts';
import type { StackedTensor } from '../inference.ts';
import type { Tensor } from '../tensor.ts';
import { rowBoundsOf, viewOfRows } from './row-bounds.ts';
import type { Piece } from './shape-queue.ts';

/** Stacks pieces of one signature along the first axis; `padding` repeats the last row. At least one piece. */
export function stack(pieces: readonly Piece[], padding: number): StackedTensor[] {
  const first = inputsOf(pieces[0] as Piece);
  const last = pieces.at(-1) as Piece;
  let rows = padding;
  for (const piece of pieces) rows += piece.rows;
  return first.map(({ name, datatype, shape }, index) => {
    const parts = pieces.map(piece => partOf(piece, index));
    if (padding > 0) pad(parts, last, index, padding);
    return { name, datatype, shape: [rows, ...shape.slice(1)], parts };
  });
}

/** The one request of a run without a batch axis, as it came. */
export function pass(piece: Piece): StackedTensor[] {
  return inputsOf(piece).map(({ name, datatype, shape, data }) => ({ name, datatype, shape, parts: [data] }));
}

function inputsOf({ entry }: Piece): readonly Tensor[] {
  return entry.inference.inputs;
}

function partOf(piece: Piece, index: number): Uint8Array {
  const tensor = inputsOf(piece)[index] as Tensor;
  return piece.rows === piece.entry.inference.rows
    ? tensor.data
    : rowsOf(tensor, piece, piece.from, piece.rows);
}

function pad(parts: Uint8Array[], last: Piece, index: number, padding: number): void {
  const tensor = inputsOf(last)[index] as Tensor;
  const lastRow = rowsOf(tensor, last, last.from + last.rows - 1, 1);
  for (let i = 0; i < padding; i++) parts.push(lastRow);
}

function rowsOf(tensor: Tensor, { entry }: Piece, from: number, count: number): Uint8Array {
  const bounds = rowBoundsOf(tensor, entry.inference.rows);
  if (bounds === undefined) {
    throw new GatewayError('invalid', `input "${tensor.name}": its bytes are not what its shape says`);
  }
  return viewOfRows(tensor.data, bounds, from, count);
}
