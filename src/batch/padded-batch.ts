/** One batch of rows of different lengths: what they are padded to, and each caller's share of the answer. */
import { GatewayError } from '../errors.ts';
import type { Inference } from '../inference.ts';
import { elementCount, type Tensor } from '../tensor.ts';
import { cutRows, shareOf } from './cut-rows.ts';
import { roundUp } from './length-buckets.ts';
import { padRows } from './pad-rows.ts';
import type { PaddedInput, PaddingPlan } from './padding-plan.ts';
import { elementsAt, lengthsOf, rowElementsOf } from './request-lengths.ts';
import type { Piece } from './shape-queue.ts';

/** Lengths along the padded axes, in the plan's order, that all rows of a batch have once padded. */
export interface BatchLengths {
  readonly plan: PaddingPlan;
  readonly lengths: readonly number[];
}

/** How large a run is, in elements of its inputs. */
export interface BatchElements {
  readonly lengths: BatchLengths | undefined;
  /** One row as it is run. */
  readonly elementsPerRow: number;
  /** The callers' rows, without padding. */
  readonly ownElements: number;
}

/**
 * Rows become as long as the longest, no longer: one that runs alone is then not padded, and ONNX Runtime does not
 * mind shapes it has not seen (recogniser, a new width each run against always the same: within 10 %).
 */
export function sizeOf(pieces: readonly Piece[], plan: PaddingPlan | undefined): BatchElements {
  const { inference } = (pieces[0] as Piece).entry;
  if (plan === undefined) {
    let rows = 0;
    for (const piece of pieces) rows += piece.rows;
    const elementsPerRow = elementsOf(inference) / inference.rows;
    return { lengths: undefined, elementsPerRow, ownElements: rows * elementsPerRow };
  }
  const lengths = new Array<number>(plan.inputs.length).fill(0);
  const row = rowElementsOf(inference, plan);
  let ownElements = 0;
  for (const { entry, rows } of pieces) {
    const own = lengthsOf(entry.inference, plan);
    for (let i = 0; i < own.length; i++) lengths[i] = Math.max(lengths[i] as number, own[i] as number);
    ownElements += rows * elementsAt(row, own);
  }
  for (let i = 0; i < lengths.length; i++) {
    lengths[i] = roundUp(lengths[i] as number, (plan.inputs[i] as PaddedInput).multipleOf);
  }
  return { lengths: { plan, lengths }, elementsPerRow: elementsAt(row, lengths), ownElements };
}

function elementsOf({ inputs }: Inference): number {
  let elements = 0;
  for (let i = 0; i < inputs.length; i++) elements += elementCount((inputs[i] as Tensor).shape);
  return elements;
}

/** What one input's rows are padded to. */
export interface Target {
  readonly axis: number;
  readonly length: number;
  readonly filler: Uint8Array;
}

/** Undefined for an input that is never padded, and where none is. */
export function targetOf(input: string, batch: BatchLengths | undefined): Target | undefined {
  if (batch === undefined) return undefined;
  const index = batch.plan.inputs.findIndex(({ name }) => name === input);
  if (index === -1) return undefined;
  const { axis, filler } = batch.plan.inputs[index] as PaddedInput;
  return { axis, filler, length: batch.lengths[index] as number };
}

/** The bytes of `rows` rows of a tensor, `data`, as they ride in the batch; the same when they are as long already. */
export function lengthened(tensor: Tensor, rows: number, data: Uint8Array, target: Target): Uint8Array {
  const { name, datatype, shape } = tensor;
  const { axis, length, filler } = target;
  if (shape[axis] === length) return data;
  return padRows({ name, datatype, shape: shape.with(0, rows), data }, axis, length, filler);
}

/** One caller's outputs cut to the lengths of its own inputs. Throws `model-failed` for an output without the axis. */
export function cutToOwn(outputs: Tensor[], inference: Inference, { plan, lengths }: BatchLengths): Tensor[] {
  const own = lengthsOf(inference, plan);
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i] as Tensor;
    const cut = plan.outputs.get(output.name);
    if (cut === undefined) continue;
    const length = output.shape[cut.axis];
    if (length === undefined) throw withoutAxis(output, cut.axis);
    const share = shareOf(length, own[cut.follows] as number, lengths[cut.follows] as number);
    outputs[i] = cutRows(output, cut.axis, share);
  }
  return outputs;
}

function withoutAxis({ name, shape }: Tensor, axis: number): GatewayError {
  const message = `output "${name}" has shape [${shape}]: expected an axis ${axis}, which follows the padded input`;
  return new GatewayError('model-failed', message);
}
