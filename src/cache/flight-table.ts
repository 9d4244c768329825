import type { Flight, Part } from './flight.ts';
import { type RequestUnits, sameUnit } from './request-units.ts';

/** Of one fingerprint so many are compared: who makes up equal ones on purpose shall not slow others. */
const MOST_COMPARED = 4;

/**
 * The units under way of one version, found by their own bytes. A fingerprint says where to look; that two are the
 * same is known by comparing all their bytes, which are here as long as the flight is: nothing rests on a hash.
 */
export class FlightTable {
  readonly #parts = new Map<number, Part>();
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
  ): Part | undefined {
    let part = this.#parts.get(fingerprint);
    for (let i = 0; part !== undefined && i < MOST_COMPARED; i++) {
      const { flight } = part;
      const counts = flight.phase !== 'ended' && whose(flight);
      if (counts && sameUnit(flight.units, part.unit, units, unit)) return part;
      part = part.next;
    }
    return undefined;
  }

  /** Puts one where it can be found. */
  add(part: Part): void {
    part.next = this.#parts.get(part.fingerprint);
    this.#parts.set(part.fingerprint, part);
    this.#units++;
  }

  remove({ parts }: Flight): void {
    if (this.#units === 0) return;
    for (const part of parts) this.#unlink(part);
  }

  #unlink(part: Part): void {
    const { fingerprint, next } = part;
    let before = this.#parts.get(fingerprint);
    if (before === part) {
      if (next === undefined) this.#parts.delete(fingerprint);
      else this.#parts.set(fingerprint, next);
      this.#units--;
      return;
    }
    while (before !== undefined && before.next !== part) before = before.next;
    if (before === undefined) return;
    before.next = next;
    this.#units--;
  }
}
