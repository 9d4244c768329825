import { GatewayError } from '../errors.ts';
import type { BatchDone, Events } from '../events.ts';
import type { InferenceResult, Slot } from '../inference.ts';
import { type BatcherOptions, paddingOf } from './batcher-options.ts';
import { type BatchShape, type ClosedBatch, closedBatch, type Done, execute } from './closed-batch.ts';
import type { Entry } from './entry.ts';
import type { Piece } from './shape-queue.ts';

/** Whom the runner tells; the entries are not settled yet when it does. */
export interface RunObserver {
  answered(entry: Entry, result: InferenceResult): void;
  failed(entry: Entry, error: GatewayError): void;
}

export interface BatchEnd {
  /** Undefined when it failed. */
  readonly inferMs: number | undefined;
  readonly roundTripMs: number;
  /** ms, on the batcher's clock. */
  readonly at: number;
}

/**
 * Runs closed batches and gives every caller its share. A slot it is handed is always executed on or released; a
 * failed batch fails all its requests; a request that has settled meanwhile is left alone.
 */
export class BatchRunner {
  readonly #options: BatcherOptions;
  readonly #shape: BatchShape;
  readonly #events: Events;
  readonly #observer: RunObserver;
  #running = 0;

  constructor(options: BatcherOptions, events: Events, observer: RunObserver) {
    const { signature, maxBatchSize, allowedBatchSizes } = options;
    this.#options = options;
    const outputs = signature.outputs.map(({ name }) => name);
    const padding = paddingOf(options);
    this.#shape = { signature, outputs, hasBatchAxis: maxBatchSize > 0, allowedBatchSizes, padding };
    this.#events = events;
    this.#observer = observer;
  }

  /** Batches sent and not yet ended. */
  get running(): number {
    return this.#running;
  }

  closed(pieces: readonly Piece[], now: number): ClosedBatch {
    return closedBatch(pieces, now, this.#shape);
  }

  /** Never rejects; `ended` is called once its requests have been settled. */
  async run(slot: Slot, batch: ClosedBatch, ended: (end: BatchEnd) => void): Promise<void> {
    this.#running++;
    let inferMs = 0;
    let outcome: BatchDone['outcome'] = 'ok';
    try {
      const done = await execute(slot, batch, this.#shape);
      inferMs = done.inferMs;
      this.#answer(batch, done);
      done.lease?.release();
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      outcome = error.code;
      this.#fail(batch, error);
    }
    this.#running--;
    const at = this.#options.now();
    const roundTripMs = at - batch.sentAt;
    this.#report(batch, inferMs, roundTripMs, outcome);
    ended({ inferMs: outcome === 'ok' ? inferMs : undefined, roundTripMs, at });
  }

  #answer(batch: ClosedBatch, done: Done): void {
    let at = 0;
    for (const piece of batch.pieces) {
      if (piece.entry.state !== 'settled') this.#answerPiece(batch, piece, at, done);
      at += piece.rows;
    }
  }

  #answerPiece(batch: ClosedBatch, piece: Piece, at: number, done: Done): void {
    const { entry } = piece;
    try {
      const result = resultOf(batch, piece, done.cut(piece, at), done);
      if (result !== undefined) this.#observer.answered(entry, result);
    } catch (thrown) {
      this.#observer.failed(entry, GatewayError.from(thrown));
    }
  }

  /** The place where a failing batch can be halved instead, to find the request that fails it. */
  #fail(batch: ClosedBatch, error: GatewayError): void {
    for (const { entry } of batch.pieces) {
      if (entry.state !== 'settled') this.#observer.failed(entry, error);
    }
  }

  #report(batch: ClosedBatch, inferMs: number, roundTripMs: number, outcome: BatchDone['outcome']): void {
    const { model, version } = this.#options;
    const elements = (batch.rows + batch.padding) * batch.elementsPerRow;
    this.#events.emit('batch:done', {
      model,
      version,
      rows: batch.rows,
      paddedRows: batch.padding,
      elements,
      paddingElements: elements - batch.ownElements,
      requests: batch.pieces.length,
      inferMs,
      roundTripMs,
      outcome,
    });
  }
}

/** A request's answer; undefined while parts of it are still to come. */
function resultOf(
  batch: ClosedBatch,
  { entry, from, rows }: Piece,
  outputs: InferenceResult['outputs'],
  { inferMs, lease }: Done,
): InferenceResult | undefined {
  const { reassembly } = entry;
  const queueMs = batch.sentAt - entry.submittedAt;
  // For the caller, or for the reassembly.
  lease?.hold();
  if (reassembly === undefined)
    return { outputs, timing: { queueMs, inferMs, batchRows: batch.rows }, lease };
  if (!reassembly.add({ from, rows, outputs, inferMs, lease })) return undefined;
  const timing = { queueMs, inferMs: reassembly.inferMs, batchRows: batch.rows };
  return { outputs: reassembly.join(), timing };
}
