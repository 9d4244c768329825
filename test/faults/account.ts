/** What became of every request, in the four ways that matter: answered right, honestly refused, lost, or wrong. */
import type { OpenLoopResult } from '../../src/load/open-loop.ts';

export interface Account {
  readonly requests: number;
  readonly correct: number;
  /** Told to come later, or that it is too late: 429, 503, 504. */
  readonly refused: number;
  /** Told of any other failure: nobody's request was at fault. */
  readonly failed: number;
  /** No answer by their deadline, or a connection that ended under them. */
  readonly lost: number;
  readonly wrong: number;
  /** What the first of each kind said. */
  readonly firsts: OpenLoopResult['firsts'];
}

export function accountOf({
  requests,
  outcomes,
  firsts,
}: Pick<OpenLoopResult, 'requests' | 'outcomes' | 'firsts'>): Account {
  const { ok, wrong, lost, unconnected, timeout } = outcomes;
  return {
    requests,
    correct: ok,
    refused: outcomes['429'] + outcomes['503'] + outcomes['504'],
    failed: outcomes.other,
    lost: lost + unconnected + timeout,
    wrong,
    firsts,
  };
}
