/** Answers put together from units, wherever each of them came from. */
import { GatewayError } from '../errors.ts';
import type { Lease } from '../inference.ts';
import { type RowBounds, rowBoundsOf, viewOfRows } from '../row-bounds.ts';
import type { Tensor } from '../tensor.ts';

/** Outputs of one or more units together: of a run, or of one that was kept. */
export interface Block {
  readonly outputs: readonly Tensor[];
  readonly units: number;
  /** Of the memory `outputs` are views of; undefined: nobody else's. */
  readonly lease: Lease | undefined;
}

/** Of a result that was kept. */
export interface Keeping {
  readonly outcome: 'hit' | 'stale';
  readonly ageMs: number;
  /** It answers, and is to be renewed meanwhile. */
  readonly renew: boolean;
  /** It is too old, and stands in for a model that failed. */
  readonly standsIn?: boolean;
}

export interface UnitResult {
  readonly block: Block;
  /** Which of its units. */
  readonly at: number;
  /** Absent: it was run. */
  readonly kept?: Keeping;
}

export interface Assembled {
  readonly outputs: readonly Tensor[];
  /** Of the memory that they are views of; undefined where they were copied, or are nobody else's. */
  readonly lease: Lease | undefined;
}

/**
 * The outputs named, of all units together in their order. Views where they are neighbours in one block, else copies.
 * Throws `model-failed` where an output is missing or rows have different shapes.
 */
export function assemble(results: readonly UnitResult[], names: readonly string[]): Assembled {
  const [first] = results as readonly [UnitResult];
  const { block, at } = first;
  if (!areNeighbours(results, first)) {
    return { outputs: names.map((name, i) => joined(results, name, i)), lease: undefined };
  }
  const isWhole = results.length === block.units;
  const outputs = names.map((name, i) => {
    const output = outputNamed(block, name, i);
    return isWhole ? output : rowsOf(output, boundsOf(output, block.units), at, results.length);
  });
  return { outputs, lease: block.lease };
}

/** The outputs of each unit of a block; undefined where their bytes are not what their shapes say. */
export function outputsByUnit({ outputs, units }: Block): ((at: number) => readonly Tensor[]) | undefined {
  if (units === 1) return () => outputs;
  const bounds = outputs.map(output => boundsIfAny(output, units));
  if (bounds.includes(undefined)) return undefined;
  return at => outputs.map((output, i) => rowsOf(output, bounds[i] as RowBounds, at, 1));
}

function areNeighbours(results: readonly UnitResult[], first: UnitResult): boolean {
  return results.every(({ block, at }, i) => block === first.block && at === first.at + i);
}

function joined(results: readonly UnitResult[], name: string, index: number): Tensor {
  const known = new Map<Block, { readonly output: Tensor; readonly bounds: RowBounds }>();
  const rows = results.map(({ block, at }) => {
    let found = known.get(block);
    if (found === undefined) {
      const output = outputNamed(block, name, index);
      found = { output, bounds: boundsOf(output, block.units) };
      known.set(block, found);
    }
    return rowsOf(found.output, found.bounds, at, 1);
  });
  const [first] = rows as [Tensor];
  const shape = first.shape.slice(1);
  const other = rows.find(row => row.shape.some((size, axis) => axis > 0 && size !== first.shape[axis]));
  if (other !== undefined) {
    throw new GatewayError(
      'model-failed',
      `output "${name}" has rows of shape [${shape}] and [${other.shape.slice(1)}] within one request; ` +
        'send them in requests of their own',
    );
  }
  const data = Buffer.concat(rows.map(row => row.data));
  return { name, datatype: first.datatype, shape: [results.length, ...shape], data };
}

function outputNamed({ outputs }: Block, name: string, likelyIndex: number): Tensor {
  const likely = outputs[likelyIndex];
  const found = likely?.name === name ? likely : outputs.find(output => output.name === name);
  if (found === undefined) {
    throw new GatewayError('model-failed', `output "${name}" is missing from the model's answer`);
  }
  return found;
}

function boundsIfAny(output: Tensor, rows: number): RowBounds | undefined {
  return output.shape[0] === rows ? rowBoundsOf(output, rows) : undefined;
}

function boundsOf(output: Tensor, rows: number): RowBounds {
  const bounds = boundsIfAny(output, rows);
  if (bounds !== undefined) return bounds;
  const { name, shape } = output;
  throw new GatewayError(
    'model-failed',
    `output "${name}": its bytes are not what its shape [${shape}] says`,
  );
}

function rowsOf(
  { name, datatype, shape, data }: Tensor,
  bounds: RowBounds,
  from: number,
  count: number,
): Tensor {
  return { name, datatype, shape: [count, ...shape.slice(1)], data: viewOfRows(data, bounds, from, count) };
}
