import type { HasDeadline } from '../deadline-heap.ts';
import { GatewayError } from '../errors.ts';
import type { CacheNote, CacheOutcome, Inference, InferenceResult, Lease, Submission } from '../inference.ts';
import { type Flight, NO_TIME, type Part, type Passenger, type Seat, USUAL } from './flight.ts';
import { assemble, type Block, type UnitResult } from './unit-result.ts';

export interface WaiterOwner {
  /** Is anything kept at all? */
  readonly keeps: boolean;
  /** Tells when `waiter` can no longer leave its deadline to a run of its own. */
  watch(waiter: Waiter): void;
  /** It has settled. */
  done(waiter: Waiter, isAnswered: boolean): void;
  /** These units' flight, which it did not begin, crashed: true when they were seated anew. */
  seatAgain(waiter: Waiter, units: readonly number[], error: GatewayError): boolean;
  /** Something kept that may stand in for a unit whose flight crashed. */
  standIn(part: Part, error: GatewayError): UnitResult | undefined;
}

/** Where a unit's result comes from: it is here, or a flight will bring it. */
type Source = UnitResult | Part;

/**
 * One caller, who gets the results of all its units together, from wherever each of them comes. It settles exactly
 * once: with its answer, or with the error of a flight, of its deadline or of its caller, and then leaves the flights
 * that it still waits for.
 */
export class Waiter implements Submission, Passenger, HasDeadline {
  readonly inference: Inference;
  /** Names in the order wanted. */
  readonly outputs: readonly string[];
  readonly result: Promise<InferenceResult>;
  readonly deadline: number;
  readonly priority: number;
  /** Was it looked at whatever it is, as others would be? */
  readonly isSample: boolean;
  heapIndex = -1;
  readonly #owner: WaiterOwner;
  readonly #sources: Source[] = [];
  readonly #seats: Seat[] = [];
  #held: Lease[] | undefined;
  #triedAgain: Set<number> | undefined;
  #timing = NO_TIME;
  #outcome: CacheOutcome = 'hit';
  #oldest: number | undefined;
  #rowsRun = 0;
  #standsIn = false;
  #unitsRun = 0;
  #settled = false;
  /** A run of its own failed: a worker may still be reading its part of the inputs. */
  #inputsInUse = false;
  readonly #resolve: (result: InferenceResult) => void;
  readonly #reject: (error: GatewayError) => void;

  constructor(owner: WaiterOwner, inference: Inference, outputs: readonly string[], isSample: boolean) {
    this.isSample = isSample;
    const { promise, resolve, reject } = Promise.withResolvers<InferenceResult>();
    this.#owner = owner;
    this.#resolve = resolve;
    this.#reject = reject;
    this.result = promise;
    this.inference = inference;
    this.outputs = outputs;
    this.deadline = inference.deadline;
    this.priority = inference.priority;
  }

  get units(): number {
    return this.#sources.length;
  }

  /** Of its units, those that were run for it. */
  get unitsRun(): number {
    return this.#unitsRun;
  }

  /** A result that is kept. */
  found(unit: number, result: UnitResult): void {
    this.#sources[unit] = result;
    this.#noteKept(result);
  }

  /** A unit that a flight will bring. */
  waitFor(unit: number, part: Part, began: boolean): void {
    this.#sources[unit] = part;
    const { flight } = part;
    if (this.#seats.some(seat => seat.flight === flight)) return;
    if (!began) this.#note('coalesced');
    this.#seats.push(flight.board(this, began));
    if (this.#seats.length > 1) this.#owner.watch(this);
  }

  /** Call when every unit has a source: answers now if nothing is waited for. */
  seated(): void {
    if (this.#seats.length === 0 && !this.#settled) this.#finish();
  }

  shared(): void {
    this.#owner.watch(this);
  }

  landed(flight: Flight): void {
    if (this.#settled) return;
    if (flight.inputsInUse) this.#inputsInUse = true;
    this.#take(flight);
    if (this.#seats.length === 0) this.#finish();
  }

  /** Units of others' flight are tried once more; what is found out for it goes on meanwhile. */
  crashed(flight: Flight, error: GatewayError): void {
    if (this.#settled) return;
    const began = this.#unseat(flight)?.began ?? true;
    const units = this.#unitsOf(flight);
    if (began) this.#inputsInUse = true;
    if (!began && this.#isNewTry(units) && this.#owner.seatAgain(this, units, error)) return;
    if (!units.every(unit => this.#standIn(unit, error))) this.cancel(error);
    else if (this.#seats.length === 0) this.#finish();
  }

  #isNewTry(units: readonly number[]): boolean {
    this.#triedAgain ??= new Set();
    const before = this.#triedAgain.size;
    for (const unit of units) this.#triedAgain.add(unit);
    return this.#triedAgain.size === before + units.length;
  }

  #standIn(unit: number, error: GatewayError): boolean {
    // Who wants it computed anew wants no older one.
    if (!(this.inference.cacheControl ?? USUAL).reads) return false;
    const found = this.#owner.standIn(this.#sources[unit] as Part, error);
    if (found !== undefined) this.found(unit, found);
    return found !== undefined;
  }

  #unitsOf(flight: Flight): number[] {
    const units: number[] = [];
    for (const [unit, source] of this.#sources.entries()) {
      if (isUnderWay(source) && source.flight === flight) units.push(unit);
    }
    return units;
  }

  cancel(error: GatewayError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#leave(error);
    this.#letGo(undefined);
    this.#owner.done(this, false);
    // Who has left listens to nothing, and that must not end the process.
    this.result.catch(() => {});
    this.#reject(error);
  }

  #leave(error: GatewayError): void {
    for (const seat of this.#seats.splice(0)) seat.flight.leave(seat, error);
  }

  /** What is told of the answer: of its units the one that came from furthest away counts. */
  #note(outcome: CacheOutcome): void {
    if (RANK.indexOf(outcome) > RANK.indexOf(this.#outcome)) this.#outcome = outcome;
  }

  #noteKept({ kept }: UnitResult): void {
    if (kept === undefined) return;
    this.#note(kept.outcome);
    if (kept.standsIn === true) this.#standsIn = true;
    this.#oldest = Math.max(this.#oldest ?? 0, kept.ageMs);
  }

  #take(flight: Flight): void {
    const seat = this.#unseat(flight);
    let hasRun = false;
    for (let unit = 0; unit < this.#sources.length; unit++) {
      const source = this.#sources[unit];
      if (!isUnderWay(source) || source.flight !== flight) continue;
      const result = source.result as UnitResult;
      this.#sources[unit] = result;
      this.#hold(result.block);
      this.#noteKept(result);
      if (result.kept === undefined) hasRun = true;
    }
    if (!hasRun) return;
    this.#timing = flight.timing;
    if (seat === undefined || !flight.isCountedFor(seat)) return;
    if (seat.began) this.#note('miss');
    this.#unitsRun += flight.unitsRun;
    this.#rowsRun += flight.units.bounds === undefined ? this.inference.rows : flight.unitsRun;
  }

  #unseat(flight: Flight) {
    const index = this.#seats.findIndex(seat => seat.flight === flight);
    return index < 0 ? undefined : this.#seats.splice(index, 1)[0];
  }

  #hold({ lease }: Block): void {
    if (lease === undefined || this.#held?.includes(lease)) return;
    lease.hold();
    this.#held ??= [];
    this.#held.push(lease);
  }

  #finish(): void {
    this.#settled = true;
    this.#owner.done(this, true);
    try {
      const { outputs, lease } = assemble(this.#sources as UnitResult[], this.outputs);
      this.#letGo(lease);
      const inputsInUse = this.#inputsInUse;
      this.#resolve({ outputs, timing: this.#timing, cache: this.#told(), lease, inputsInUse });
    } catch (thrown) {
      this.#letGo(undefined);
      this.#reject(GatewayError.from(thrown));
    }
  }

  /** Where nothing is kept, an answer that was run for is what it always was. */
  #told(): CacheNote {
    const told = { outcome: this.#outcomeTold(), ageMs: this.#oldest, rowsRun: this.#rowsRun };
    return this.#standsIn ? { ...told, standsIn: true } : told;
  }

  #outcomeTold(): CacheOutcome | undefined {
    if (this.#outcome !== 'miss') return this.#outcome;
    if (!this.#owner.keeps) return undefined;
    const { reads, stores } = this.inference.cacheControl ?? USUAL;
    return reads || stores ? 'miss' : 'bypass';
  }

  /** Releases what is held but for `kept`, which goes to the caller. */
  #letGo(kept: Lease | undefined): void {
    if (this.#held === undefined) return;
    for (const lease of this.#held) if (lease !== kept) lease.release();
    this.#held = undefined;
  }
}

const RANK: readonly CacheOutcome[] = ['hit', 'stale', 'coalesced', 'miss'];

function isUnderWay(source: Source | undefined): source is Part {
  return source !== undefined && 'flight' in source;
}
