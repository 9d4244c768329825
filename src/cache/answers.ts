import { Alarm } from '../alarm.ts';
import { DeadlineHeap } from '../deadline-heap.ts';
import { GatewayError } from '../errors.ts';
import type { CacheControl, Inference, SharedSubmission, Submission } from '../inference.ts';
import { BreakEven, type LookingMode } from './break-even.ts';
import type { ContentKey } from './content-key.ts';
import { fingerprintOf } from './fingerprint.ts';
import { Flight, type Part, USUAL } from './flight.ts';
import { FlightRunner } from './flight-runner.ts';
import { FlightTable } from './flight-table.ts';
import type { Keeper } from './keeper.ts';
import { RecentlySeen } from './recently-seen.ts';
import { copyOfUnit, type RequestUnits, type SplitUnits } from './request-units.ts';
import { Waiter, type WaiterOwner } from './waiter.ts';

export interface AnswersOptions {
  /** Names of all outputs, in the signature's order. */
  readonly outputs: readonly string[];
  readonly split: SplitUnits;
  /** Do equal units under way share one run? */
  readonly coalesces: boolean;
  /** Undefined where nothing is kept. */
  readonly keeper: Keeper | undefined;
  /** Runs what is not known. */
  readonly compute: (inference: Inference) => SharedSubmission;
  /** Answers while it does not pay to look. */
  readonly aside: (inference: Inference, units: RequestUnits | undefined) => Submission;
  /** Of what is renewed for nobody in particular, ms. */
  readonly timeoutMs: number;
  readonly lowestPriority: number;
  /** The clock of deadlines: `performance.now`, ms. */
  readonly now: () => number;
}

const ANY = () => true;
const TAKES_OTHERS = (flight: Flight) => flight.takesOthers;
const RENEWS = (flight: Flight) => flight.renews;

/** Reasons that may have been another caller's, or the moment's: its deadline, its leaving, a worker that died. */
const WORTH_ANOTHER_TRY = new Set([
  'unavailable',
  'worker-failed',
  'overloaded',
  'deadline',
  'cancelled',
  'not-cached',
  'internal',
]);

/**
 * In front of one version: answers what is kept, lets equal requests that are under way share a run, and has the rest
 * computed. A request is answered unit by unit, see `request-units.ts`: of 32 rows of which 20 are known 12 are run.
 *
 * Every caller is a `Waiter`; what is found out for them is a `Flight`. Callers keep their own deadlines and may leave;
 * a flight goes on as long as anybody waits for it.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #flights = new FlightTable();
  readonly #watched = new DeadlineHeap<Waiter>();
  readonly #alarm: Alarm;
  readonly #owner: WaiterOwner;
  readonly #runner: FlightRunner;
  readonly #balance: BreakEven;

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#balance = new BreakEven(options.keeper?.scout(options.now) ?? new RecentlySeen(options.now));
    this.#alarm = new Alarm(options.now, () => this.#failLate());
    const renew = ({ flight, unit, key }: Part) =>
      this.#renew(flight.inference, flight.units, unit, key as ContentKey);
    this.#runner = new FlightRunner({ ...options, renew }, this.#balance, flight =>
      this.#flights.remove(flight),
    );
    this.#owner = {
      keeps: options.keeper !== undefined,
      watch: waiter => this.#watch(waiter),
      done: (waiter, isAnswered) => {
        this.#watched.remove(waiter);
        if (!isAnswered) return;
        if (waiter.isSample) this.#balance.count(waiter.units, waiter.units - waiter.unitsRun);
        else this.#balance.countChosen(waiter.units);
      },
      seatAgain: (waiter, units, error) => this.#seatAgain(waiter, units, error),
      standIn: (part, error) => options.keeper?.standIn(part.key, error),
    };
  }

  /** Units under way. */
  get underWay(): number {
    return this.#flights.units;
  }

  /** Never throws: see `Batcher.submit`; also rejects with `not-cached`. */
  submit(inference: Inference): Submission {
    if (this.#rests(inference)) return this.#options.aside(inference, undefined);
    return this.#submit(inference, this.#options.split(inference));
  }

  /** The same for a request that was split before. */
  submitUnits(inference: Inference, units: RequestUnits): Submission {
    return this.#rests(inference) ? this.#options.aside(inference, units) : this.#submit(inference, units);
  }

  #rests({ cacheControl }: Inference): boolean {
    return cacheControl?.onlyIfCached !== true && this.#balance.rests();
  }

  #submit(inference: Inference, units: RequestUnits): Submission {
    const { reads, stores, onlyIfCached } = inference.cacheControl ?? USUAL;
    const look = onlyIfCached ? 'untimed' : this.#balance.chooses(units, reads && stores);
    if (look === 'none') return this.#options.aside(inference, units);
    const startedAt = look === 'timed' ? this.#options.now() : 0;
    const isSample = look === 'timed' || this.#balance.mode === 'everything';
    const outputs = inference.outputs ?? this.#options.outputs;
    const waiter = new Waiter(this.#owner, inference, outputs, isSample);
    this.#seat(waiter, units, everyOne(units.count));
    // Large inputs are hashed later, and timed then.
    const isWhole = this.#options.keeper?.hashesAtOnce(units) !== false;
    if (look === 'timed' && isWhole) this.#balance.looked(this.#options.now() - startedAt, units.count);
    return waiter;
  }

  /** Does it look at everything, or does that not pay? */
  get mode(): LookingMode {
    return this.#balance.mode;
  }

  /** Refuses nothing: resolves when what was submitted before has nothing left to look up. */
  settled(): Promise<void> {
    return this.#runner.settled();
  }

  /** What is kept answers now; what is under way is waited for; for the others a flight begins. */
  #seat(waiter: Waiter, units: RequestUnits, which: readonly number[]): void {
    const control = waiter.inference.cacheControl ?? USUAL;
    const keys = this.#keysOf(units, which, control);
    const unknown = keys === undefined ? which : this.#findKept(waiter, units, which, keys, control);
    const rest = this.#joinOthers(waiter, units, unknown, control);
    if (rest.length > 0) this.#begin(waiter, units, rest, keys);
    waiter.seated();
  }

  /** By unit; undefined where none are needed, or inputs are large: those are hashed in stretches, by their flight. */
  #keysOf(
    units: RequestUnits,
    which: readonly number[],
    { reads, stores }: CacheControl,
  ): readonly ContentKey[] | undefined {
    const { keeper } = this.#options;
    if (keeper === undefined || !(reads || stores) || !keeper.hashesAtOnce(units)) return undefined;
    const keys: ContentKey[] = [];
    for (const unit of which) keys[unit] = keeper.keyOf(units, unit);
    return keys;
  }

  /** Returns the units of which nothing is kept that may answer. */
  #findKept(
    waiter: Waiter,
    units: RequestUnits,
    which: readonly number[],
    keys: readonly ContentKey[],
    control: CacheControl,
  ): readonly number[] {
    if (!control.reads) return which;
    let unknown: number[] | undefined;
    for (const unit of which) {
      const key = keys[unit] as ContentKey;
      const kept = this.#options.keeper?.get(key, control);
      if (kept === undefined) {
        unknown ??= [];
        unknown.push(unit);
      } else {
        waiter.found(unit, kept);
        if (kept.kept?.renew) this.#renew(waiter.inference, units, unit, key);
      }
    }
    return unknown ?? NONE;
  }

  /** Takes seats in flights that are under way; returns the units that are in none. */
  #joinOthers(
    waiter: Waiter,
    units: RequestUnits,
    which: readonly number[],
    { reads, onlyIfCached }: CacheControl,
  ): readonly number[] {
    if (!this.#options.coalesces || !reads || onlyIfCached || this.#flights.units === 0) return which;
    const rest: number[] = [];
    for (const unit of which) {
      const found = this.#flights.find(fingerprintOf(units, unit), units, unit, TAKES_OTHERS);
      if (found === undefined) rest.push(unit);
      else waiter.waitFor(unit, found, false);
    }
    return rest;
  }

  #begin(
    waiter: Waiter,
    units: RequestUnits,
    wanted: readonly number[],
    keys: readonly ContentKey[] | undefined,
  ): void {
    const flight = new Flight(waiter.inference, units, false);
    for (const unit of wanted) waiter.waitFor(unit, this.#wantedOf(flight, unit, keys?.[unit]), true);
    this.#runner.begin(flight);
  }

  /** The flight's part for this unit: the same row may be in one request twice. */
  #wantedOf(flight: Flight, unit: number, key: ContentKey | undefined): Part {
    if (!this.#options.coalesces) return flight.want(unit, key, 0);
    const fingerprint = fingerprintOf(flight.units, unit);
    // Its own stand before others'.
    const twin = this.#flights.find(fingerprint, flight.units, unit, ANY);
    if (twin?.flight === flight) return twin;
    const part = flight.want(unit, key, fingerprint);
    this.#flights.add(part);
    return part;
  }

  /** Nobody waits for it, so nothing is more urgent; and whoever sent these bytes may have them back before it ends. */
  #renew(inference: Inference, units: RequestUnits, unit: number, key: ContentKey): void {
    const { timeoutMs, lowestPriority, now } = this.#options;
    const fingerprint = fingerprintOf(units, unit);
    if (this.#flights.find(fingerprint, units, unit, RENEWS) !== undefined) return;
    const deadline = now() + timeoutMs;
    const copied = copyOfUnit(units, unit);
    const rows = units.count > 1 ? 1 : inference.rows;
    const asked = { ...inference, rows, deadline, priority: lowestPriority, cacheControl: undefined };
    const flight = new Flight(asked, copied, true);
    this.#flights.add(flight.want(0, key, fingerprint));
    this.#runner.run(flight);
  }

  /** While its deadline leaves time. */
  #seatAgain(waiter: Waiter, units: readonly number[], error: GatewayError): boolean {
    if (!WORTH_ANOTHER_TRY.has(error.code) || waiter.deadline <= this.#options.now()) return false;
    this.#seat(waiter, this.#options.split(waiter.inference), units);
    return true;
  }

  #watch(waiter: Waiter): void {
    if (waiter.heapIndex !== -1) return;
    this.#watched.add(waiter);
    this.#alarm.setFor(waiter.deadline);
  }

  /** The same error for all: a thousand stack traces would stop the loop for milliseconds. */
  #failLate(): void {
    const now = this.#options.now();
    let error: GatewayError | undefined;
    for (let waiter = this.#watched.earliest; waiter !== undefined; waiter = this.#watched.earliest) {
      if (waiter.deadline > now) {
        this.#alarm.setFor(waiter.deadline);
        return;
      }
      error ??= new GatewayError('deadline', 'the deadline passed while an equal request was under way');
      waiter.cancel(error);
    }
  }
}

const NONE: readonly number[] = [];
/** The numbers below each count, which are always the same. */
const everyOnes: (readonly number[])[] = [];

function everyOne(count: number): readonly number[] {
  everyOnes[count] ??= Array.from({ length: count }, (_, unit) => unit);
  return everyOnes[count];
}
