/** S4: of requests beside inputs that make the model fail, those that fail with them. */
import { closedLoop } from '../../src/load/closed-loop.ts';
import type { Check } from '../../src/load/tally.ts';
import { gathering, type Subject } from './subject.ts';

export interface PoisonResult {
  readonly good: number;
  readonly goodFailed: number;
  readonly poisoned: number;
  /** Poisoned requests that were not answered with the model's own error. */
  readonly poisonedOtherwise: number;
}

export async function poison(subject: Subject, requests: number, share: number): Promise<PoisonResult> {
  const load = gathering(share);
  const tally = { good: 0, goodFailed: 0, poisoned: 0, poisonedOtherwise: 0 };
  const stop = new AbortController();
  const inspect = (reply: { readonly status: number }, index: number): void => {
    if (load.isPoison(index)) {
      tally.poisoned++;
      if (reply.status !== 500) tally.poisonedOtherwise++;
    } else {
      tally.good++;
      if (reply.status !== 200) tally.goodFailed++;
    }
    if (tally.good >= requests) stop.abort();
  };
  const check: Check = (reply, index) => {
    try {
      load.check(reply, index);
    } catch (error) {
      tally.goodFailed++;
      throw error;
    }
  };
  const { signal } = stop;
  const asked = { ...subject.address, requests: load.requests, check, inspect, signal };
  await closedLoop({ ...asked, connections: 64, seconds: 600 }).catch(error => {
    if (!signal.aborted) throw error;
  });
  return tally;
}
