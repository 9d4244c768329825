import { GatewayError } from '../errors.ts';
import type { BatchDone, Events } from '../events.ts';
import type { InferenceResult, Slot } from '../inference.ts';
import { type BatcherOptions, paddingOf } from './batcher-options.ts';
import { type BatchShape, type ClosedBatch, closedBatch, type Done, execute } from './closed-batch.ts';
import type { Entry } from './entry.ts';
import { type Past, recoveryOf } from './recovery.ts';
import type { Rerun } from './reruns.ts';
import type { Piece } from './shape-queue.ts';

/** Whom the runner tells; the entries are not settled yet when it does. */
export interface RunObserver {
  answered(entry: Entry, result: InferenceResult): void;
  failed(entry: Entry, error: GatewayError): void;
  /** May the rows of a batch whose worker was lost run again? Asked once for all the runs that this takes. */
  mayRetry(): boolean;
  rerun(rerun: Rerun): void;
  /** Its input took its worker down, alone and not for the first time; whoever asked may have left. */
  condemned(entry: Entry): void;
  /** A worker went down while it had its input, and nobody waits to know of which it was. */
  suspected(entry: Entry): void;
  /** It has run apart, and well. */
  acquitted(entry: Entry): void;
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
 * batch that failed goes as `recovery.ts` says; a request that has settled meanwhile is left alone.
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

  /** Never rejects; `ended` is called once its requests have been settled, or handed back to run again. */
  async run(
    slot: Slot,
    batch: ClosedBatch,
    key: string,
    ended: (end: BatchEnd) => void,
    before?: Rerun,
  ): Promise<void> {
    this.#running++;
    let inferMs = 0;
    let outcome: BatchDone['outcome'] = 'ok';
    try {
      const done = await execute(slot, batch, this.#shape);
      inferMs = done.inferMs;
      if (before?.where === 'apart') for (const { entry } of batch.pieces) this.#observer.acquitted(entry);
      this.#answer(batch, done);
      done.lease?.release();
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      outcome = error.code;
      // It may be answered all the same.
      if (before?.isHedge !== true) await batch.hedge;
      this.#recover(batch, key, error, before);
    }
    this.#running--;
    const at = this.#options.now();
    const roundTripMs = at - batch.sentAt;
    this.#report(batch, {
      inferMs,
      roundTripMs,
      outcome,
      again: before?.isHedge === true ? 'hedged' : before?.where,
    });
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

  #recover(batch: ClosedBatch, key: string, error: GatewayError, before: Rerun | undefined): void {
    if (before?.isHedge === true) return;
    const past = pastOf(batch, error, before);
    const recovery = recoveryOf(error, past);
    if (recovery.kind === 'condemn') {
      for (const { entry } of batch.pieces) this.#observer.condemned(entry);
      return;
    }
    const waited = batch.pieces.filter(({ entry }) => entry.state !== 'settled');
    const isAgain =
      waited.length > 0 &&
      recovery.kind !== 'fail' &&
      (!isFirstLoss(past, before) || this.#observer.mayRetry());
    // Whom a hedge has answered meanwhile is no suspect: it has just run well.
    if (isDeath(error) && batch.hedge === undefined) {
      for (const { entry } of batch.pieces) {
        if (!isAgain || entry.state === 'settled') this.#observer.suspected(entry);
      }
    }
    if (!isAgain) {
      for (const { entry } of waited) this.#observer.failed(entry, error);
      return;
    }
    const half = recovery.kind === 'halve' ? Math.ceil(waited.length / 2) : waited.length;
    for (const pieces of [waited.slice(0, half), waited.slice(half)]) {
      if (pieces.length === 0) continue;
      const { deaths, misses } = past;
      const { usualMs } = batch;
      this.#observer.rerun({ pieces, where: recovery.where, deaths, misses, key, usualMs });
    }
  }

  #report(batch: ClosedBatch, run: Pick<BatchDone, 'inferMs' | 'roundTripMs' | 'outcome' | 'again'>): void {
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
      ...run,
    });
  }
}

/** Its worker went down, and may have of it. */
function isDeath({ code, notRun }: GatewayError): boolean {
  return code === 'worker-failed' && !notRun;
}

/** Halving finds who fails a run and is no retry: what counts is what runs again for want of a worker, the first time. */
function isFirstLoss({ deaths, misses }: Past, before: Rerun | undefined): boolean {
  return deaths + misses > 0 && (before === undefined || before.deaths + before.misses === 0);
}

function pastOf({ pieces }: ClosedBatch, { code, notRun }: GatewayError, before: Rerun | undefined): Past {
  const lost = code === 'worker-failed';
  return {
    requests: pieces.length,
    where: before?.where ?? 'anywhere',
    deaths: (before?.deaths ?? 0) + (lost && !notRun ? 1 : 0),
    misses: (before?.misses ?? 0) + (lost && notRun ? 1 : 0),
  };
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
    return {
      outputs,
      timing: { queueMs, inferMs, batchRows: batch.rows },
      lease,
      inputsInUse: batch.hedge !== undefined,
    };
  if (!reassembly.add({ from, rows, outputs, inferMs, lease })) return undefined;
  const timing = { queueMs, inferMs: reassembly.inferMs, batchRows: batch.rows };
  return { outputs: reassembly.join(), timing };
}
