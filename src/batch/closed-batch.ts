/** One batch from being closed to being answered: what to run, and each caller's share of the result. */
import type { Execution, ExecutionResult, Lease, ModelSignature, Slot } from '../inference.ts';
import { outputsToRun } from '../signature-key.ts';
import type { Tensor } from '../tensor.ts';
import { type BatchElements, cutToOwn, sizeOf } from './padded-batch.ts';
import { paddingFor } from './padding.ts';
import type { PaddingPlan } from './padding-plan.ts';
import type { Piece } from './shape-queue.ts';
import { BatchOutputs, pick } from './splitting.ts';
import { pass, stack } from './stacking.ts';

/** What is the same for all batches of a version. */
export interface BatchShape {
  readonly signature: ModelSignature;
  /** Names of all outputs, in the signature's order. */
  readonly outputs: readonly string[];
  readonly hasBatchAxis: boolean;
  readonly allowedBatchSizes: readonly number[];
  /** Undefined where requests of a batch have equal lengths. */
  readonly padding: PaddingPlan | undefined;
}

export interface ClosedBatch extends BatchElements {
  /** At least one. A batch never grows. */
  readonly pieces: readonly Piece[];
  /** Callers' rows. */
  readonly rows: number;
  readonly padding: number;
  /** Names to compute, in the signature's order; undefined: all. */
  readonly outputs: readonly string[] | undefined;
  /** ms, when it was sent to a worker. */
  readonly sentAt: number;
  /** What 95 of 100 like it took at most, the way there and back included, ms; undefined: not known. */
  usualMs: number | undefined;
  /** A second run of it, which reads the same inputs; resolves when that has ended. */
  hedge: Promise<void> | undefined;
}

/** Cuts one caller's outputs out of a result; `at` is the first of its rows in the batch. */
export type Cut = (piece: Piece, at: number) => readonly Tensor[];

export function closedBatch(pieces: readonly Piece[], sentAt: number, shape: BatchShape): ClosedBatch {
  let rows = 0;
  for (const piece of pieces) rows += piece.rows;
  const wanted = (pieces[0] as Piece).entry.inference.outputs;
  return {
    pieces,
    rows,
    padding: shape.hasBatchAxis ? paddingFor(rows, shape.allowedBatchSizes) : 0,
    outputs: outputsToRun(shape.signature.outputs, wanted),
    sentAt,
    usualMs: undefined,
    hedge: undefined,
    ...sizeOf(pieces, shape.padding),
  };
}

export interface Done {
  readonly cut: Cut;
  readonly inferMs: number;
  /** Of the memory that is cut, held once for the receiver. */
  readonly lease: Lease | undefined;
}

/** Runs a batch and returns how to cut its result. Rejects with the run's error or, naming the output, `model-failed`. */
export async function execute(slot: Slot, batch: ClosedBatch, shape: BatchShape): Promise<Done> {
  let execution: Execution;
  try {
    execution = executionOf(batch, shape.hasBatchAxis);
  } catch (thrown) {
    slot.release();
    throw thrown;
  }
  const result = await slot.execute(execution, batch.usualMs);
  const { inferMs, lease } = result;
  return { cut: cutterOf(batch, result, shape), inferMs, lease };
}

function executionOf(batch: ClosedBatch, hasBatchAxis: boolean): Execution {
  return {
    inputs: hasBatchAxis ? stack(batch.pieces, batch.padding, batch.lengths) : pass(batch.pieces[0] as Piece),
    outputs: batch.outputs,
    rows: batch.rows + batch.padding,
  };
}

function cutterOf(batch: ClosedBatch, { outputs }: ExecutionResult, shape: BatchShape): Cut {
  if (!shape.hasBatchAxis) {
    const wanted = (batch.pieces[0] as Piece).entry.inference.outputs;
    const whole = pick(outputs, wanted ?? shape.outputs);
    return () => whole;
  }
  const together = new BatchOutputs(outputs, batch.outputs ?? shape.outputs, batch.rows + batch.padding);
  const { lengths } = batch;
  return ({ entry, rows }, at) => {
    const cut = together.cut(at, rows, entry.inference.outputs);
    return lengths === undefined ? cut : cutToOwn(cut, entry.inference, lengths);
  };
}
