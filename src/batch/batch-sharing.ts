import type { Executor } from '../inference.ts';
import type { Backlog } from './backlog.ts';
import { type BatcherOptions, closingRuleOf, paddingOf } from './batcher-options.ts';
import type { ClosedBatch } from './closed-batch.ts';
import { paddingFor } from './padding.ts';
import { PaddingCosts } from './padding-costs.ts';
import type { PaddingPlan } from './padding-plan.ts';
import { bucketsIn, elementsAt, familyIn, keyWith, lengthsOf, rowElementsOf } from './request-lengths.ts';
import type { Piece, ShapeQueue } from './shape-queue.ts';
import { type LengthGroup, type SharingTerms, shareBatch } from './share-batch.ts';

/** Padding is copied on the event loop: 4 MB in about 1.5 ms. */
const MAX_PADDED_BYTES = 4 * 1024 * 1024;
/** A mean cost must leave so much of the time to the earliest deadline for slower runs. */
const RESERVE = 0.25;

/** Undefined where none is declared; where sizes are preferred, a batch that others join would have another. */
export function sharingOf(options: BatcherOptions, executor: Executor): BatchSharing | undefined {
  const plan = paddingOf(options);
  if (plan === undefined || options.preferredBatchSizes.length > 0) return undefined;
  return new BatchSharing(plan, options, executor);
}

interface Neighbour extends LengthGroup {
  readonly queue: ShapeQueue;
}

/**
 * Lets requests of other lengths ride in a batch that has room, where what was learned says that it pays. It learns
 * what runs cost, per kind of instance, from every batch of its version, shared or not.
 */
export class BatchSharing {
  readonly #plan: PaddingPlan;
  readonly #maxRows: number;
  readonly #allowedBatchSizes: readonly number[];
  readonly #executor: Executor;
  readonly #costs = new Map<string, PaddingCosts>();

  constructor(plan: PaddingPlan, options: BatcherOptions, executor: Executor) {
    this.#plan = plan;
    this.#maxRows = closingRuleOf(options).maxRows;
    this.#allowedBatchSizes = options.allowedBatchSizes;
    this.#executor = executor;
  }

  /** How many rows of a queue may be taken, of the `rows` that should be. */
  rowsWithin({ head }: ShapeQueue, rows: number): number {
    if (head === undefined) return rows;
    const { rows: all } = head.inference;
    const most = Math.floor((MAX_PADDED_BYTES * all) / Math.max(1, head.bytes));
    // The first request goes in any case, whole where it cannot be divided.
    return Math.min(rows, Math.max(most, head.splittable ? 1 : all));
  }

  /**
   * Takes what rides along with `pieces`, just taken of `queue`, out of the backlog and adds it to them. Returns the
   * key of the lengths that the batch has now.
   */
  fill(pieces: Piece[], queue: ShapeQueue, backlog: Backlog, kind: string, now: number): string {
    // While rows of its own length are left behind, the batch is as large as pays.
    if (queue.rows > 0 || pieces.length === 0) return queue.key;
    const family = familyIn(queue.key);
    const neighbours = neighboursOf(family, backlog);
    // With a worker free for each of them, padding would only make them slower.
    if (neighbours.length <= this.#executor.capacity().free) return queue.key;
    const lengths = bucketsIn(queue.key, family) ?? [];
    const joining = shareBatch({ lengths, rows: rowsOf(pieces) }, neighbours, this.#terms(pieces, kind, now));
    for (let i = 0; i < neighbours.length; i++) {
      const rows = joining[i] as number;
      if (rows === 0) continue;
      const { queue: other, lengths: theirs } = neighbours[i] as Neighbour;
      for (const piece of backlog.take(other, rows)) pieces.push(piece);
      for (let axis = 0; axis < lengths.length; axis++) {
        lengths[axis] = Math.max(lengths[axis] as number, theirs[axis] as number);
      }
    }
    return keyWith(family, lengths);
  }

  learn({ rows, padding, elementsPerRow }: ClosedBatch, kind: string, inferMs: number): void {
    this.#costsOf(kind).add(rows + padding, elementsPerRow, inferMs);
  }

  #terms(pieces: readonly Piece[], kind: string, now: number): SharingTerms {
    const { inference, bytes } = (pieces[0] as Piece).entry;
    const row = rowElementsOf(inference, this.#plan);
    const elementBytes = bytes / inference.rows / elementsAt(row, lengthsOf(inference, this.#plan));
    const costs = this.#costsOf(kind);
    let deadline = Number.POSITIVE_INFINITY;
    for (const { entry } of pieces) deadline = Math.min(deadline, entry.wantedBy);
    return {
      maxRows: this.#maxRows,
      maxElements: MAX_PADDED_BYTES / elementBytes,
      maxTimes: this.#plan.inputs.map(input => input.maxTimes),
      withinMs: (deadline - now) * (1 - RESERVE),
      elementsOf: lengths => elementsAt(row, lengths),
      costOf: (rows, elements) => costs.estimate(rows + paddingFor(rows, this.#allowedBatchSizes), elements),
    };
  }

  #costsOf(kind: string): PaddingCosts {
    let costs = this.#costs.get(kind);
    if (costs === undefined) {
      costs = new PaddingCosts();
      this.#costs.set(kind, costs);
    }
    return costs;
  }
}

function neighboursOf(family: string, backlog: Backlog): Neighbour[] {
  const neighbours: Neighbour[] = [];
  for (const queue of backlog.queues) {
    const lengths = bucketsIn(queue.key, family);
    if (lengths !== undefined) neighbours.push({ queue, lengths, rows: queue.rows });
  }
  return neighbours;
}

function rowsOf(pieces: readonly Piece[]): number {
  let rows = 0;
  for (const piece of pieces) rows += piece.rows;
  return rows;
}
