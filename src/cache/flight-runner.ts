import { GatewayError } from '../errors.ts';
import type { Inference, InferenceResult, SharedSubmission } from '../inference.ts';
import type { BreakEven } from './break-even.ts';
import type { Flight, Part } from './flight.ts';
import type { Keeper } from './keeper.ts';
import { inputsOf } from './remaining-inputs.ts';
import { type Block, outputsByUnit } from './unit-result.ts';

export interface FlightRunnerOptions {
  /** Undefined where nothing is kept. */
  readonly keeper: Keeper | undefined;
  /** Runs what is not known. */
  readonly compute: (inference: Inference) => SharedSubmission;
  readonly now: () => number;
  /** A unit was answered by what is to be renewed. */
  readonly renew: (part: Part) => void;
}

/**
 * Takes a flight from its beginning to its end: asks what is kept where nobody has, has the rest run, keeps what came
 * of it, and tells the passengers. `ended` is called once for each flight, before they are told.
 */
export class FlightRunner {
  readonly #options: FlightRunnerOptions;
  readonly #balance: BreakEven;
  readonly #ended: (flight: Flight) => void;
  readonly #looking = new Set<Promise<void>>();

  constructor(options: FlightRunnerOptions, balance: BreakEven, ended: (flight: Flight) => void) {
    this.#options = options;
    this.#balance = balance;
    this.#ended = ended;
  }

  /** Runs at once where there is nothing to wait for first. */
  begin(flight: Flight): void {
    const { keeper } = this.#options;
    flight.epoch = keeper?.epoch ?? 0;
    const looks = keeper?.lookUp(flight, ms => this.#balance.looked(ms, flight.units.count));
    if (looks === undefined) this.#goOn(flight);
    else this.#goOnAfter(looks, flight);
  }

  /** Without asking what is kept. */
  run(flight: Flight): void {
    if (flight.renews) flight.epoch = this.#options.keeper?.epoch ?? 0;
    const missing = flight.missing();
    const submission = this.#options.compute(inferenceOf(flight, missing));
    flight.run(submission);
    submission.result.then(
      result => this.#landed(flight, missing, result),
      thrown => this.#crash(flight, GatewayError.from(thrown)),
    );
  }

  /** Resolves when all that began has submitted what must be run. */
  async settled(): Promise<void> {
    while (this.#looking.size > 0) await Promise.all(this.#looking);
  }

  #goOnAfter(looks: Promise<void>, flight: Flight): void {
    const looked = looks
      .then(
        () => {
          this.#renew(flight);
          this.#goOn(flight);
        },
        thrown => this.#crash(flight, GatewayError.from(thrown)),
      )
      .finally(() => this.#looking.delete(looked));
    this.#looking.add(looked);
  }

  #renew(flight: Flight): void {
    for (const part of flight.parts) if (part.result?.kept?.renew) this.#options.renew(part);
  }

  #goOn(flight: Flight): void {
    if (flight.phase === 'ended') this.#ended(flight);
    else if (flight.missing().length === 0) this.#land(flight);
    else if (flight.onlyLooks) this.#crash(flight, notCached());
    else this.run(flight);
  }

  #landed(flight: Flight, missing: readonly Part[], result: InferenceResult): void {
    const { outputs, timing, lease } = result;
    const block: Block = { outputs, units: missing.length, lease };
    flight.timing = timing;
    flight.inputsInUse = result.inputsInUse === true;
    const rows = missing.length === flight.units.count ? flight.inference.rows : missing.length;
    this.#balance.ran(timing, rows, missing.length);
    for (let at = 0; at < missing.length; at++) (missing[at] as Part).result = { block, at };
    const startedAt = this.#balance.timesKeep() ? this.#options.now() : 0;
    this.#land(flight);
    this.#keep(flight, missing, block);
    if (startedAt > 0) this.#balance.kept(this.#options.now() - startedAt, missing.length);
    // Passengers hold what they pass on.
    lease?.release();
  }

  #keep(flight: Flight, missing: readonly Part[], block: Block): void {
    const { keeper } = this.#options;
    if (keeper === undefined || !flight.stores || flight.parts[0]?.key === undefined) return;
    const outputsOf = outputsByUnit(block);
    if (outputsOf === undefined) return;
    for (let at = 0; at < missing.length; at++) {
      const { key } = missing[at] as Part;
      if (key !== undefined) keeper.keep(key, outputsOf(at), flight.epoch);
    }
  }

  #land(flight: Flight): void {
    this.#ended(flight);
    flight.land();
  }

  #crash(flight: Flight, error: GatewayError): void {
    this.#ended(flight);
    flight.crash(error);
  }
}

/** The units still missing, as one request of their own; as urgent as the most urgent who waits. */
function inferenceOf(flight: Flight, missing: readonly Part[]): Inference {
  const { inference, units } = flight;
  const isAll = missing.length === units.count;
  const { deadline, keepUntil, priority } = flight.urgency;
  return {
    inputs: isAll
      ? units.inputs
      : inputsOf(
          units,
          missing.map(({ unit }) => unit),
        ),
    outputs: inference.outputs,
    rows: isAll ? inference.rows : missing.length,
    deadline,
    keepUntil,
    priority,
  };
}

export function notCached(): GatewayError {
  return new GatewayError('not-cached', 'cache-control: only-if-cached was asked for, and no result is kept');
}
