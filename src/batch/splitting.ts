/** From one execution's outputs back to its callers. Nothing is copied: every answer is a view of the worker's reply. */
import { GatewayError } from '../errors.ts';
import { type RowBounds, rowBoundsOf, viewOfRows } from '../row-bounds.ts';
import type { Datatype, Shape, Tensor } from '../tensor.ts';

interface SplitOutput {
  readonly tensor: Tensor;
  readonly bounds: RowBounds;
}

/** The outputs of one batch, checked once, from which each caller's rows are cut. Padding is never cut. */
export class BatchOutputs {
  readonly #outputs: readonly SplitOutput[];
  #shapes: readonly Shape[] = [];
  #shapesRows = -1;

  /**
   * `names` are those to expect, `rows` what every output's first dimension must be, padding included.
   * Throws `model-failed`, naming the output: a model that says otherwise must never be split.
   */
  constructor(outputs: readonly Tensor[], names: readonly string[], rows: number) {
    this.#outputs = names.map((name, index) => {
      const tensor = named(outputs, name, index);
      return { tensor, bounds: checkedBounds(tensor, rows) };
    });
  }

  /** Rows `from` to `from + rows` of the outputs wanted, in the order wanted; undefined: all. */
  cut(from: number, rows: number, wanted: readonly string[] | undefined): Tensor[] {
    if (rows !== this.#shapesRows) this.#rememberShapes(rows);
    const cut: Tensor[] = [];
    const count = wanted === undefined ? this.#outputs.length : wanted.length;
    for (let i = 0; i < count; i++) {
      const index = wanted === undefined ? i : this.#indexOf(wanted[i] as string);
      const { tensor, bounds } = this.#outputs[index] as SplitOutput;
      cut.push(rowsOf(tensor, viewOfRows(tensor.data, bounds, from, rows), this.#shapes[index] as Shape));
    }
    return cut;
  }

  #indexOf(name: string): number {
    for (let i = 0; i < this.#outputs.length; i++) {
      if ((this.#outputs[i] as SplitOutput).tensor.name === name) return i;
    }
    throw missing(name);
  }

  /** Neighbours mostly have equal row counts and then share their shapes. */
  #rememberShapes(rows: number): void {
    this.#shapes = this.#outputs.map(({ tensor }) => [rows, ...tensor.shape.slice(1)]);
    this.#shapesRows = rows;
  }
}

/** The outputs wanted, whole: the answer of a run without a batch axis. Throws `model-failed` when one is missing. */
export function pick(outputs: readonly Tensor[], wanted: readonly string[]): Tensor[] {
  return wanted.map((name, index) => named(outputs, name, index));
}

function rowsOf(
  { name, datatype }: { name: string; datatype: Datatype },
  data: Uint8Array,
  shape: Shape,
): Tensor {
  return { name, datatype, shape, data };
}

function named(outputs: readonly Tensor[], name: string, likelyIndex: number): Tensor {
  const likely = outputs[likelyIndex];
  if (likely?.name === name) return likely;
  const found = outputs.find(output => output.name === name);
  if (found === undefined) throw missing(name);
  return found;
}

function checkedBounds(tensor: Tensor, rows: number): RowBounds {
  const { name, shape } = tensor;
  if (shape[0] !== rows) {
    throw new GatewayError(
      'model-failed',
      `output "${name}" has shape [${shape}]: expected first dimension ${rows}, the rows of the batch`,
    );
  }
  const bounds = rowBoundsOf(tensor, rows);
  if (bounds === undefined) {
    throw new GatewayError(
      'model-failed',
      `output "${name}": its bytes are not what its shape [${shape}] says`,
    );
  }
  return bounds;
}

function missing(name: string): GatewayError {
  return new GatewayError('model-failed', `output "${name}" is missing from the model's answer`);
}
