import { DeadlineHeap, type HasDeadline } from '../deadline-heap.ts';
import type { GatewayError } from '../errors.ts';
import type { CacheControl, Inference, InferenceTiming, SharedSubmission, Urgency } from '../inference.ts';
import type { ContentKey } from './content-key.ts';
import type { RequestUnits } from './request-units.ts';
import type { UnitResult } from './unit-result.ts';

/** Someone who waits for units of a flight. */
export interface Passenger {
  readonly deadline: number;
  readonly priority: number;
  /** It is not alone in a flight any more: the run is kept for longer than it waits. */
  shared(): void;
  landed(flight: Flight): void;
  /** `error` came of the flight; whether it is this one's own is its own question. */
  crashed(flight: Flight, error: GatewayError): void;
}

/** One unit that a flight finds out. */
export interface Part {
  readonly flight: Flight;
  /** Which of the flight's `units`. */
  readonly unit: number;
  readonly fingerprint: number;
  /** Undefined where it is neither looked up nor kept, or not known yet. */
  key: ContentKey | undefined;
  /** Once it is found. */
  result: UnitResult | undefined;
  /** The next of the same fingerprint; see `FlightTable`. */
  next: Part | undefined;
}

/** One passenger's place in one flight: it may wait for several. */
export interface Seat extends HasDeadline {
  readonly flight: Flight;
  readonly passenger: Passenger;
  readonly began: boolean;
}

/** What a caller who says nothing allows. */
export const USUAL: CacheControl = { reads: true, stores: true, onlyIfCached: false, maxStaleMs: 0 };

/** Of what needed no run. */
export const NO_TIME: InferenceTiming = { queueMs: 0, inferMs: 0, batchRows: 0 };

type Phase = 'looking' | 'running' | 'ended';

/**
 * Units that are being found out together, and who waits for them. It goes as soon as the earliest of them wants it,
 * and is given up when the last has left; whoever began it is a passenger like the others.
 *
 * Life: `looking` while caches are asked, `running` once what they lacked was submitted, `ended` once it landed or
 * crashed, which every passenger is told once.
 */
export class Flight {
  /** What was asked by whoever began it. */
  readonly inference: Inference;
  readonly units: RequestUnits;
  /** Those of `units` that it finds out, in their order. Filled before it begins. */
  readonly parts: Part[] = [];
  /** Renews what is stored: not to be waited for by those whom that suffices. */
  readonly renews: boolean;
  phase: Phase = 'looking';
  /** Of the shelf when it began: after a purge its results are not kept. */
  epoch = 0;
  /** What the run took; of one that needed none, nothing. */
  timing = NO_TIME;
  /** Of its run, as `InferenceResult` has it. */
  inputsInUse = false;
  #submission: SharedSubmission | undefined;
  readonly #seats = new DeadlineHeap<Seat>();
  #priority: number;
  #isOrphan = false;
  #latest: number;

  constructor(inference: Inference, units: RequestUnits, renews: boolean) {
    this.inference = inference;
    this.units = units;
    this.renews = renews;
    this.#priority = inference.priority;
    this.#latest = inference.deadline;
  }

  /** How soon its answer is wanted. */
  get urgency(): Urgency {
    const deadline = this.#seats.earliest?.deadline ?? this.#latest;
    return { deadline, keepUntil: Math.max(deadline, this.#latest), priority: this.#priority };
  }

  /** Units that were run. */
  get unitsRun(): number {
    let run = 0;
    for (const { result } of this.parts) if (result?.kept === undefined) run++;
    return run;
  }

  /** One more unit to find out. Before it begins. */
  want(unit: number, key: ContentKey | undefined, fingerprint: number): Part {
    const part: Part = { flight: this, unit, fingerprint, key, result: undefined, next: undefined };
    this.parts.push(part);
    return part;
  }

  /** What is not found yet. */
  missing(): readonly Part[] {
    const isKnown = ({ result }: Part) => result !== undefined;
    return this.parts.some(isKnown) ? this.parts.filter(part => !isKnown(part)) : this.parts;
  }

  /** May others wait for it? Not where its beginner's wishes are other than theirs, or nobody watches over its deadline. */
  get takesOthers(): boolean {
    const { reads, stores, onlyIfCached } = this.control;
    return reads && stores && !onlyIfCached && !this.renews;
  }

  /** Nothing is run for it. */
  get onlyLooks(): boolean {
    return this.control.onlyIfCached;
  }

  /** What its beginner allows. */
  get control(): CacheControl {
    return this.inference.cacheControl ?? USUAL;
  }

  get reads(): boolean {
    return this.control.reads;
  }

  get stores(): boolean {
    return this.control.stores;
  }

  run(submission: SharedSubmission): void {
    this.phase = 'running';
    this.#submission = submission;
  }

  board(passenger: Passenger, began: boolean): Seat {
    const seat: Seat = { flight: this, passenger, began, deadline: passenger.deadline, heapIndex: -1 };
    const earliest = this.#seats.earliest;
    this.#seats.add(seat);
    const isMore = passenger.deadline > this.#latest || passenger.priority < this.#priority;
    this.#latest = Math.max(this.#latest, passenger.deadline);
    this.#priority = Math.min(this.#priority, passenger.priority);
    if (earliest === undefined) return seat;
    earliest.passenger.shared();
    passenger.shared();
    if (isMore || this.#seats.earliest === seat) this.#hurry();
    return seat;
  }

  /** The last one gives the flight up, with `error`; true then. */
  leave(seat: Seat, error: GatewayError): boolean {
    if (this.phase === 'ended') return false;
    const wasEarliest = this.#seats.earliest === seat;
    this.#seats.remove(seat);
    if (seat.began) this.#isOrphan = true;
    if (this.#seats.earliest === undefined && !this.renews) {
      this.phase = 'ended';
      this.#submission?.cancel(error);
      return true;
    }
    if (wasEarliest) this.#hurry();
    return false;
  }

  /** Whose rows were they? Whoever began it; where that one has left, the first who asks. */
  isCountedFor({ began }: Seat): boolean {
    if (began) return true;
    const isCounted = this.#isOrphan;
    this.#isOrphan = false;
    return isCounted;
  }

  /** Tells every passenger. */
  land(): void {
    this.phase = 'ended';
    for (const { passenger } of this.#seats.drain()) passenger.landed(this);
  }

  crash(error: GatewayError): void {
    this.phase = 'ended';
    for (const { passenger } of this.#seats.drain()) passenger.crashed(this, error);
  }

  #hurry(): void {
    this.#submission?.reschedule(this.urgency);
  }
}
