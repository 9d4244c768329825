import type { HasDeadline } from '../deadline-heap.ts';
import type { GatewayError } from '../errors.ts';
import type { Inference, InferenceResult, SharedSubmission, Urgency } from '../inference.ts';
import { Reassembly } from './reassembly.ts';
import type { ShapeQueue } from './shape-queue.ts';

/** `queued` while any of its rows still waits; `running` once all were sent; `settled` exactly once. */
export type EntryState = 'queued' | 'running' | 'settled';

export interface EntryOwner {
  cancel(entry: Entry, error: GatewayError): void;
  reschedule(entry: Entry, urgency: Urgency): void;
}

/** One accepted request: its place in a queue, its place among the deadlines, and its answer. The caller holds it too. */
export class Entry implements SharedSubmission, HasDeadline {
  readonly inference: Inference;
  readonly queue: ShapeQueue;
  readonly bytes: number;
  readonly submittedAt: number;
  /** When its answer is wanted. */
  wantedBy: number;
  /** When it fails; not before `wantedBy`. */
  deadline: number;
  priority: number;
  /** May ride in several batches. */
  readonly splittable: boolean;
  /** Set once it rides in several. */
  reassembly: Reassembly | undefined = undefined;
  readonly result: Promise<InferenceResult>;
  state: EntryState = 'queued';
  /** How long its answer should take, ms, as was predicted when it was let in; 0: it was not. */
  predictedMs = 0;
  /** Rows not yet sent to a worker. */
  rows: number;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  heapIndex = -1;
  readonly #owner: EntryOwner;
  readonly #resolve: (result: InferenceResult) => void;
  readonly #reject: (error: GatewayError) => void;

  constructor(
    owner: EntryOwner,
    queue: ShapeQueue,
    inference: Inference,
    bytes: number,
    now: number,
    splittable: boolean,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<InferenceResult>();
    this.#owner = owner;
    this.#resolve = resolve;
    this.#reject = reject;
    this.result = promise;
    this.queue = queue;
    this.inference = inference;
    this.bytes = bytes;
    this.submittedAt = now;
    this.wantedBy = inference.deadline;
    this.deadline = inference.keepUntil ?? inference.deadline;
    this.priority = inference.priority;
    this.splittable = splittable;
    this.rows = inference.rows;
  }

  /** For its queue alone: so many of its rows leave. */
  take(rows: number): void {
    this.rows -= rows;
    if (rows < this.inference.rows) this.reassembly ??= new Reassembly(this.inference.rows);
  }

  cancel(error: GatewayError): void {
    this.#owner.cancel(this, error);
  }

  reschedule(urgency: Urgency): void {
    this.#owner.reschedule(this, urgency);
  }

  /** For the batcher alone, which has checked that it is not settled. */
  answer(result: InferenceResult): void {
    this.state = 'settled';
    this.#resolve(result);
  }

  /** For the batcher alone, which has checked that it is not settled. */
  fail(error: GatewayError): void {
    this.state = 'settled';
    // A caller who has left listens to nothing, and that must not end the process.
    this.result.catch(ignore);
    this.#reject(error);
  }
}

/** The answer to a request that was refused: settled from the start. */
export function refused(error: GatewayError): SharedSubmission {
  const result = Promise.reject(error);
  result.catch(ignore);
  return { result, cancel: ignore, reschedule: ignore };
}

function ignore(): void {}
