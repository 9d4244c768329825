/** S4: of requests beside inputs that make the model fail, those that fail with them. */
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { gather } from '../support/onnx.ts';
import { extraRunsRow, poisonRows, row } from './figures.ts';
import { metric } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { DEADLINE_MS, gathering, PATIENT, type Subject, startSubject, startSubjectWith } from './subject.ts';

export interface PoisonResult {
  readonly good: number;
  readonly goodFailed: number;
  readonly poisoned: number;
  /** Poisoned requests that were not answered with the model's own error. */
  readonly poisonedOtherwise: number;
}

const RATE_PER_SECOND = 2000;
const SHARE = 0.02;
/** Requests of a full batch, a power of two. */
const BATCH = 8;

export async function run({ short, seed }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubject();
  const result = await poison(subject, short ? 10_000 : 100_000, SHARE, seed);
  const reruns = await rerunsOf(subject);
  const each = await fullBatches();
  const rows = [
    row('runs halved under callers’ rows', reruns, 'some', reruns > 0),
    ...poisonRows(result),
    extraRunsRow(each, BATCH),
  ];
  return { rows, details: { ...result, reruns, each } };
}

const rerunsOf = (subject: Subject): Promise<number> =>
  metric(subject, 'headgate_reruns_total', { model: 'gather' });

/** The extra runs of one full batch after the other, whose only culprit is at each place in turn. */
export async function fullBatches(): Promise<number[]> {
  const waiting = `${PATIENT}maxBatchSize: ${BATCH}\nbatching: { maxQueueDelayMs: 500 }\n`;
  const table = 8;
  await using subject = await startSubjectWith({
    gather: { versions: { 1: gather(table) }, config: waiting },
  });
  const reruns: number[] = [];
  for (let culprit = 0; culprit < BATCH; culprit++) {
    const before = await rerunsOf(subject);
    const asked = Array.from({ length: BATCH }, (_, i) => ask(subject, i === culprit ? table + 1 : 1));
    const failed = (await Promise.all(asked)).filter(status => status !== 200).length;
    if (failed !== 1) throw new Error(`of one culprit's batch ${failed} requests failed`);
    reruns.push((await rerunsOf(subject)) - before);
  }
  return reruns;
}

async function ask({ headgate }: Subject, index: number): Promise<number> {
  const body = JSON.stringify({
    inputs: [{ name: 'index', shape: [1, 1], datatype: 'INT64', data: [index] }],
  });
  const response = await fetch(`${headgate.url}/v2/models/gather/infer`, { method: 'POST', body });
  await response.arrayBuffer();
  return response.status;
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
