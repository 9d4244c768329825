import type { Scout } from './break-even.ts';
import { fingerprintOf } from './fingerprint.ts';
import { Mean } from './mean.ts';
import type { RequestUnits } from './request-units.ts';

/** Fingerprints and times, 12 KB. */
const REMEMBERED = 1024;
/** The clock is read for one of so many: more often it took a third of what a request that is passed by costs. */
const TIMED_EVERY = 16;
/** An equal that came so many usual runs ago is not under way any more. */
const RUNS = 2;

/**
 * Where nothing is kept, only what is under way can be found: of equal requests that follow each other within about
 * the time of a run the second is worth a look. Times in ms.
 */
export class RecentlySeen implements Scout {
  readonly #now: () => number;
  readonly #fingerprints = new Int32Array(REMEMBERED);
  readonly #times = new Float64Array(REMEMBERED);
  readonly #run = new Mean();
  #repeats = 0;
  #seen = 0;
  #time = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Did an equal of any unit come lately? They all are remembered now. */
  saw(units: RequestUnits): boolean {
    if (this.#seen++ % TIMED_EVERY === 0) this.#time = this.#now();
    const now = this.#time;
    const since = now - RUNS * this.#run.value;
    let isRepeat = false;
    for (let unit = 0; unit < units.count; unit++) {
      const fingerprint = fingerprintOf(units, unit);
      const at = fingerprint & (REMEMBERED - 1);
      if (this.#fingerprints[at] === fingerprint && (this.#times[at] as number) >= since) isRepeat = true;
      this.#fingerprints[at] = fingerprint;
      this.#times[at] = now;
    }
    if (isRepeat) this.#repeats += units.count;
    return isRepeat;
  }

  took(ms: number): void {
    this.#run.add(ms);
  }

  /** Each of them would have found its equal under way, or nearly. */
  shareOf(units: number): number {
    const share = this.#repeats / units;
    this.#repeats = 0;
    return share;
  }
}
