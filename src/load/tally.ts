import { isRefusal, noOutcomes, OUTCOMES, type Outcome, type Outcomes, outcomeOf } from './outcome.ts';
import type { Reply } from './reply.ts';

/** Judges the value of a 200 to the `index`-th request; throws, saying what is wrong with it. */
export type Check = (reply: Reply, index: number) => void;

const MAX_EXCERPT = 300;

/** Counts what became of requests, with how long each answer took. Holds 9 bytes a request. */
export class Tally {
  readonly #check: Check | undefined;
  readonly #latencyMs: Float64Array;
  readonly #outcome: Uint8Array;
  readonly counts: Record<Outcome, number> = noOutcomes();
  /** For each outcome but `ok`, what the first one said. */
  readonly firsts: Partial<Record<Outcome, string>> = {};
  done = 0;

  constructor(requests: number, check: Check | undefined) {
    this.#check = check;
    this.#latencyMs = new Float64Array(requests).fill(Number.NaN);
    this.#outcome = new Uint8Array(requests);
  }

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
    this.#latencyMs[index] = latencyMs;
    this.count(index, outcome, said);
  }

  count(index: number, outcome: Outcome, said?: string): void {
    this.counts[outcome]++;
    this.#outcome[index] = OUTCOMES.indexOf(outcome);
    if (said !== undefined) this.firsts[outcome] ??= said;
    this.done++;
  }

  /** Of each request, in their order: how it ended, and when it was answered at all, ms. */
  outcome(index: number): Outcome {
    return OUTCOMES[this.#outcome[index] as number] as Outcome;
  }

  latencies(): Latencies {
    const all = this.#latencyMs;
    const of = (wanted: (outcome: Outcome) => boolean) =>
      all.filter((latency, i) => !Number.isNaN(latency) && wanted(this.outcome(i))).sort();
    return { latencyMs: all, okMs: of(outcome => outcome === 'ok'), refusedMs: of(isRefusal) };
  }
}

export interface Latencies {
  /** Of each request in its order; NaN where no answer came. */
  readonly latencyMs: Float64Array;
  /** Of correct answers, ascending. */
  readonly okMs: Float64Array;
  /** Of 429, 503 and 504, ascending. */
  readonly refusedMs: Float64Array;
}

export type { Outcomes };

/** What a server said is shown to people: bounded, and without what would steer a terminal. */
function excerpt({ status, body }: Reply): string {
  const text = body.toString('utf8', 0, MAX_EXCERPT).replaceAll(/\p{Cc}/gu, ' ');
  return `${status}: ${text}`;
}
