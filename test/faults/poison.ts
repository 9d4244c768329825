/** S4: of requests beside inputs that make the model fail, those that fail with them. */
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { extraRunsRow, poisonRows } from './figures.ts';
import { metric, models } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { DEADLINE_MS, gathering, type Subject, startSubject } from './subject.ts';

export interface PoisonResult {
  readonly good: number;
  readonly goodFailed: number;
  readonly poisoned: number;
  /** Poisoned requests that were not answered with the model's own error. */
  readonly poisonedOtherwise: number;
}

const RATE_PER_SECOND = 2000;
const SHARE = 0.02;

export async function run({ short, seed }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubject();
  const result = await poison(subject, short ? 10_000 : 100_000, SHARE, seed);
  const [most] = (await models(subject)).filter(({ name }) => name === 'gather');
  const reruns = await metric(subject, 'headgate_reruns_total', { model: 'gather' });
  const rows = [...poisonRows(result), extraRunsRow(reruns / result.poisoned, most?.maxBatchSize ?? 1)];
  return { rows, details: { ...result, reruns } };
}

export async function poison(
  subject: Subject,
  requests: number,
  share: number,
  seed = 1,
): Promise<PoisonResult> {
  const load = gathering(share);
  const tally = { good: 0, goodFailed: 0, poisoned: 0, poisonedOtherwise: 0 };
  const { outcomes } = await openLoop({
    ...subject.address,
    requests: load.requests,
    arrivals: poissonArrivals(RATE_PER_SECOND, Math.ceil(requests / (1 - share)), seed),
    timeoutMs: 2 * DEADLINE_MS,
    check: (reply, index) => {
      if (!load.isPoison(index)) load.check(reply, index);
    },
    inspect: ({ status }, index) => {
      if (load.isPoison(index)) {
        tally.poisoned++;
        if (status !== 500) tally.poisonedOtherwise++;
      } else {
        tally.good++;
        if (status !== 200) tally.goodFailed++;
      }
    },
  });
  // Which of them had no answer nobody knows: they count as good.
  tally.goodFailed += outcomes.wrong + outcomes.lost + outcomes.unconnected + outcomes.timeout;
  return tally;
}
