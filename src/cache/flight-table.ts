import type { Flight } from './flight.ts';
import { type RequestUnits, sameUnit } from './request-units.ts';

/** One unit under way. */
export interface UnderWay {
  readonly flight: Flight;
  /** Which of the flight's units. */
  readonly at: number;
}

interface Link extends UnderWay {
  readonly fingerprint: number;
  next: Link | undefined;
}

/** Of one fingerprint so many are compared: who makes up equal ones on purpose shall not slow others. */
const MOST_COMPARED = 4;

/**
 * The units under way of one version, found by their own bytes. A fingerprint says where to look; that two are the
 * same is known by comparing all their bytes, which are here as long as the flight is: nothing rests on a hash.
 */
export class FlightTable {
  readonly #links = new Map<number, Link>();
  #units = 0;

  get units(): number {
    return this.#units;
  }

  /** `whose`: which flights count. */
  find(
    fingerprint: number,
    units: RequestUnits,
    unit: number,
    whose: (flight: Flight) => boolean,
  ): UnderWay | undefined {
    let link = this.#links.get(fingerprint);
    for (let i = 0; link !== undefined && i < MOST_COMPARED; i++) {
      const { flight, at } = link;
      if (
        flight.phase !== 'ended' &&
        whose(flight) &&
        sameUnit(flight.units, flight.wanted[at] as number, units, unit)
      )
        return link;
      link = link.next;
    }
    return undefined;
  }

  /** Puts one of the flight's units where it can be found. */
  add(flight: Flight, at: number): void {
    const fingerprint = flight.fingerprints[at] as number;
    this.#links.set(fingerprint, { flight, at, fingerprint, next: this.#links.get(fingerprint) });
    this.#units++;
  }

  remove(flight: Flight): void {
    for (const fingerprint of flight.fingerprints) this.#unlink(fingerprint, flight);
  }

  #unlink(fingerprint: number, flight: Flight): void {
    let before: Link | undefined;
    for (let link = this.#links.get(fingerprint); link !== undefined; link = link.next) {
      if (link.flight !== flight) {
        before = link;
        continue;
      }
      if (before !== undefined) before.next = link.next;
      else if (link.next !== undefined) this.#links.set(fingerprint, link.next);
      else this.#links.delete(fingerprint);
      this.#units--;
      return;
    }
  }
}
