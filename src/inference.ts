/**
 * The nouns that pass between the rooms: what a model takes and gives, one batch to run, and the right to run it.
 * Rooms import these and never each other; `gateway.ts` joins them.
 */
import type { GatewayError } from './errors.ts';
import type { Datatype, Shape, Tensor, TensorSpec } from './tensor.ts';

/** What a loaded version takes and gives, as its engine reports it. Shapes include the batch axis, as −1. */
export interface ModelSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** One input of a batch: the rows of several requests, not yet copied together. */
export interface StackedTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** The shape of all parts together. */
  readonly shape: Shape;
  /** In row order; each a view of some request's body. */
  readonly parts: readonly Uint8Array[];
}

/**
 * Memory that results are views of, used again once everyone who holds it has let go. Whoever passes such a view on
 * holds once more for the receiver; whoever keeps one for good copies it. Letting go too early has others' answers
 * overwritten; never letting go only leaves the memory to the garbage collector, so: when in doubt, never.
 */
export interface Lease {
  hold(): void;
  release(): void;
}

/** One run of a model: the unit the pool executes. */
export interface Execution {
  readonly inputs: readonly StackedTensor[];
  /** Names to compute; undefined: all. */
  readonly outputs: readonly string[] | undefined;
  /** Rows along the batch axis, padding included; 1 for a model without one. */
  readonly rows: number;
}

export interface ExecutionResult {
  readonly outputs: readonly Tensor[];
  /** Time inside the engine, as the worker measured it, ms. */
  readonly inferMs: number;
  /** Of the memory that `outputs` are views of, held once for the receiver; absent: it is nobody else's. */
  readonly lease?: Lease | undefined;
}

/** The right to run one batch now, on one instance. Must end in exactly one `execute` or one `release`. */
export interface Slot {
  /** What kind of instance runs it: a batch takes as long on all of one kind. */
  readonly kind: string;
  /**
   * Runs the batch and frees the slot when settled. Rejects with a GatewayError. `usualMs`: 95 of 100 like it took no
   * longer; undefined: not known. What takes far longer hangs, and is ended.
   */
  execute(execution: Execution, usualMs?: number): Promise<ExecutionResult>;
  /** Gives the slot back unused. */
  release(): void;
  /**
   * Lets the instance's next batch be granted while this one still runs, so that it is there when this one ends.
   * False, and without effect, where one is ahead already or nothing runs.
   */
  yieldNext(): boolean;
}

/** How many batches the workers of one version can take. */
export interface Capacity {
  /** Now, besides those that run. */
  readonly free: number;
  /** At once. */
  readonly total: number;
}

/** The workers of one version, as a batcher sees them. */
export interface Executor {
  capacity(): Capacity;
  /**
   * Asks for one slot; `grant` is called once, never synchronously, when an instance is free and its device has
   * room. Returns a function that withdraws the request (no-op once granted).
   */
  acquire(grant: (slot: Slot) => void): () => void;
  /** A slot on another worker than this one's, if one is idle now. */
  tryElsewhere(than: Slot): Slot | undefined;
  /** As `acquire`, of a process where nothing else runs, for rows that may take theirs down; it has no part in `capacity`. */
  acquireApart(grant: (slot: Slot) => void): () => void;
}

/** One caller's inference on one version, checked against its signature, in the signature's input order. */
export interface Inference {
  readonly inputs: readonly Tensor[];
  /** Names asked for, in the caller's order; undefined: all. */
  readonly outputs: readonly string[] | undefined;
  /** Rows along the batch axis; 1 for a model without one. */
  readonly rows: number;
  /** When its answer is wanted, on the `performance.now()` clock, ms. */
  readonly deadline: number;
  /** When nobody wants its answer any more, where that is later: of several callers the last. Absent: `deadline`. */
  readonly keepUntil?: number;
  /** 1 is the most urgent. */
  readonly priority: number;
  /** Absent: as the model's configuration has it. */
  readonly cacheControl?: CacheControl | undefined;
}

/** What one caller allows a cache to do. */
export interface CacheControl {
  /** Answer from what is stored, or from a run that began before. */
  readonly reads: boolean;
  readonly stores: boolean;
  /** Never compute. */
  readonly onlyIfCached: boolean;
  /** A stored result may be so much older than its time, ms. */
  readonly maxStaleMs: number;
}

/** Where an answer came from; the value of the `headgate-cache` header. */
export type CacheOutcome = 'hit' | 'miss' | 'coalesced' | 'stale' | 'bypass';

export interface CacheNote {
  /** Undefined where nothing is kept and nothing was joined. */
  readonly outcome: CacheOutcome | undefined;
  /** Of the oldest stored result in it, ms; undefined where none is. */
  readonly ageMs: number | undefined;
  /** Of its rows, those that were run for it. */
  readonly rowsRun: number;
  /** Some of it is older than it may be, and stands in for a model that failed. */
  readonly standsIn?: boolean;
}

/** What one caller gets back. Outputs in the order asked for, or the signature's. */
export interface InferenceResult {
  readonly outputs: readonly Tensor[];
  readonly timing: InferenceTiming;
  /** Absent: no cache was asked. */
  readonly cache?: CacheNote;
  /** The version that answered in place of the one that was asked; absent: that one did. */
  readonly instead?: AnsweredBy;
  /** True: its inputs may still be read, so their memory must not be used again. */
  readonly inputsInUse?: boolean;
  /** Of the memory that `outputs` are views of, held once for the caller; absent: it is nobody else's. */
  readonly lease?: Lease | undefined;
}

export interface AnsweredBy {
  readonly model: string;
  readonly version: string;
}

export interface InferenceTiming {
  /** From submission to being sent to a worker, ms; of the last part for a request that was split. */
  readonly queueMs: number;
  /** Time inside the engine, ms. */
  readonly inferMs: number;
  /** Rows of the run that answered, padding excluded. */
  readonly batchRows: number;
}

/** A submitted inference: it settles exactly once. */
export interface Submission {
  /** Rejects with a GatewayError. */
  readonly result: Promise<InferenceResult>;
  /**
   * Ends it now with this error (client gone: `cancelled`). Rows still queued never run; the result of rows
   * already sent to a worker is dropped. No-op once settled.
   */
  cancel(error: GatewayError): void;
}

/** How soon, and until when, an answer is wanted. */
export type Urgency = Required<Pick<Inference, 'deadline' | 'keepUntil' | 'priority'>>;

/** A submission whose callers may change while it waits. */
export interface SharedSubmission extends Submission {
  /** No-op once settled. Rows already sent to a worker are not hurried. */
  reschedule(urgency: Urgency): void;
}
