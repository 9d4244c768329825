/** From the pieces of a batch to one execution. Each part is a view of its caller's bytes; only what is padded is copied. */
import { GatewayError } from '../errors.ts';
import type { StackedTensor } from '../inference.ts';
import { rowBoundsOf, viewOfRows } from '../row-bounds.ts';
import type { Tensor } from '../tensor.ts';
import { type BatchLengths, lengthened, type Target, targetOf } from './padded-batch.ts';
import type { Piece } from './shape-queue.ts';

/**
 * Stacks pieces of one signature along the first axis; `padding` repeats the last row. At least one piece. `lengths`:
 * what its rows are padded to, where they may differ in length.
 */
export function stack(
  pieces: readonly Piece[],
  padding: number,
  lengths: BatchLengths | undefined,
): StackedTensor[] {
  const first = inputsOf(pieces[0] as Piece);
  const last = pieces.at(-1) as Piece;
  let rows = padding;
  for (const piece of pieces) rows += piece.rows;
  return first.map(({ name, datatype, shape }, index) => {
    const target = targetOf(name, lengths);
    const parts = pieces.map(piece => partOf(piece, index, target));
    if (padding > 0) repeatLast(parts, last, index, padding, target);
    const rowShape = target === undefined ? shape : shape.with(target.axis, target.length);
    return { name, datatype, shape: [rows, ...rowShape.slice(1)], parts };
  });
}

/** The one request of a run without a batch axis, as it came. */
export function pass(piece: Piece): StackedTensor[] {
  return inputsOf(piece).map(({ name, datatype, shape, data }) => ({ name, datatype, shape, parts: [data] }));
}

function inputsOf({ entry }: Piece): readonly Tensor[] {
  return entry.inference.inputs;
}

function partOf(piece: Piece, index: number, target: Target | undefined): Uint8Array {
  const tensor = inputsOf(piece)[index] as Tensor;
  const data =
    piece.rows === piece.entry.inference.rows ? tensor.data : rowsOf(tensor, piece, piece.from, piece.rows);
  return target === undefined ? data : lengthened(tensor, piece.rows, data, target);
}

function repeatLast(
  parts: Uint8Array[],
  last: Piece,
  index: number,
  times: number,
  target: Target | undefined,
): void {
  const row = partOf({ entry: last.entry, from: last.from + last.rows - 1, rows: 1 }, index, target);
  for (let i = 0; i < times; i++) parts.push(row);
}

function rowsOf(tensor: Tensor, { entry }: Piece, from: number, count: number): Uint8Array {
  const bounds = rowBoundsOf(tensor, entry.inference.rows);
  if (bounds === undefined) {
    throw new GatewayError('invalid', `input "${tensor.name}": its bytes are not what its shape says`);
  }
  return viewOfRows(tensor.data, bounds, from, count);
}
