/** Counts what a run has seen: cases, outcomes, findings; and says so. */

import type { Finding, Kind, Tally, Trouble } from './fuzz-case.ts';
import { classOf } from './judge.ts';

/** Distinct outcomes that are remembered of a kind; beyond it they are only counted. */
const MOST_OUTCOMES = 5000;
/** Of a class of findings those that are kept. */
const KEPT = 3;

export interface KindCount {
  cases: number;
  readonly outcomes: Map<string, number>;
}

export interface FindingClass {
  readonly trouble: Trouble;
  readonly kept: Finding[];
  times: number;
}

export class Report implements Tally {
  readonly kinds = new Map<Kind, KindCount>();
  readonly findings = new Map<string, FindingClass>();

  ended(kind: Kind, outcome: string, times = 1): void {
    const count = this.kinds.get(kind) ?? { cases: 0, outcomes: new Map<string, number>() };
    this.kinds.set(kind, count);
    count.cases += times;
    const before = count.outcomes.get(outcome);
    if (before !== undefined || count.outcomes.size < MOST_OUTCOMES)
      count.outcomes.set(outcome, (before ?? 0) + times);
  }

  found(finding: Finding): void {
    const { trouble, detail } = finding;
    const key = `${finding.case.kind} ${trouble} ${classOf(detail)}`;
    const known = this.findings.get(key) ?? { trouble, kept: [], times: 0 };
    this.findings.set(key, known);
    known.times++;
    if (known.kept.length < KEPT) known.kept.push(finding);
  }

  get cases(): number {
    return this.#sum(({ cases }) => cases);
  }

  get outcomes(): number {
    return this.#sum(({ outcomes }) => outcomes.size);
  }

  count(trouble: Trouble): number {
    return [...this.findings.values()]
      .filter(found => found.trouble === trouble)
      .reduce((sum, { times }) => sum + times, 0);
  }

  #sum(of: (count: KindCount) => number): number {
    return [...this.kinds.values()].reduce((sum, count) => sum + of(count), 0);
  }
}
