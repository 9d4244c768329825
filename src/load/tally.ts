import { isRefusal, noOutcomes, OUTCOMES, type Outcome, outcomeOf } from './outcome.ts';
import type { Reply } from './reply.ts';

/** Judges the value of a 200 to the `index`-th request; throws, saying what is wrong with it. */
export type Check = (reply: Reply, index: number) => void;

const MAX_EXCERPT = 300;

/** Counts what became of requests, with how long each answer took. Grows as needed; holds 9 bytes a request. */
export class Tally {
  readonly #check: Check | undefined;
  #latencyMs: Float64Array;
  #outcome: Uint8Array;
  readonly counts: Record<Outcome, number> = noOutcomes();
  /** For each outcome but `ok`, what the first one said. */
  readonly firsts: Partial<Record<Outcome, string>> = {};
  /** Of how many it knows the end. */
  done = 0;

  constructor(check: Check | undefined, expected: number) {
    this.#check = check;
    this.#latencyMs = new Float64Array(expected);
    this.#outcome = new Uint8Array(expected);
  }

  /** Judges the answer to the `index`-th request. */
  answer(index: number, reply: Reply, latencyMs: number): void {
    let outcome = outcomeOf(reply.status);
    let said: string | undefined;
    if (outcome !== 'ok') said = this.firsts[outcome] ?? excerpt(reply);
    else if (this.#check !== undefined) {
      try {
        this.#check(reply, index);
      } catch (error) {
        outcome = 'wrong';
        said = (error as Error).message;
      }
    }
    this.#end(outcome, said, latencyMs);
  }

  /** One that ended without an answer. */
  unanswered(outcome: Outcome, said: string): void {
    this.#end(outcome, said, Number.NaN);
  }

  /** Ascending latencies of those that ended as `wanted` says and were answered. */
  latenciesMs(wanted: (outcome: Outcome) => boolean): Float64Array {
    return this.#latencyMs
      .subarray(0, this.done)
      .filter((ms, i) => !Number.isNaN(ms) && wanted(OUTCOMES[this.#outcome[i] as number] as Outcome))
      .sort();
  }

  latencies(): Latencies {
    return { okMs: this.latenciesMs(outcome => outcome === 'ok'), refusedMs: this.latenciesMs(isRefusal) };
  }

  #end(outcome: Outcome, said: string | undefined, latencyMs: number): void {
    if (this.done === this.#outcome.length) this.#grow();
    this.#latencyMs[this.done] = latencyMs;
    this.#outcome[this.done] = OUTCOMES.indexOf(outcome);
    this.counts[outcome]++;
    if (said !== undefined) this.firsts[outcome] ??= said;
    this.done++;
  }

  #grow(): void {
    const length = Math.max(1024, this.done * 2);
    const [latencyMs, outcome] = [new Float64Array(length), new Uint8Array(length)];
    latencyMs.set(this.#latencyMs);
    outcome.set(this.#outcome);
    this.#latencyMs = latencyMs;
    this.#outcome = outcome;
  }
}

export interface Latencies {
  /** Of correct answers, ms, ascending. */
  readonly okMs: Float64Array;
  /** Of 429, 503 and 504, ms, ascending. */
  readonly refusedMs: Float64Array;
}

/** What a server said is shown to people: bounded, and without what would steer a terminal. */
function excerpt({ status, body }: Reply): string {
  const text = body.toString('utf8', 0, MAX_EXCERPT).replaceAll(/\p{Cc}/gu, ' ');
  return `${status}: ${text}`;
}
