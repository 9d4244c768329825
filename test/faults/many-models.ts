/** R26: a start with many models at once. Health answers throughout, loads are bounded, and it is ready when all are. */
import { setTimeout as sleep } from 'node:timers/promises';
import { processTree } from '../../bench/support/process-tree.ts';
import { mlp } from '../support/onnx.ts';
import { none, row, timed } from './figures.ts';
import { models } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { type Subject, startSubjectWith } from './subject.ts';

const MAX_LAG_MS = 100;
const LOOK_EVERY_MS = 10;
/** The CPU worker, a spare, and those in which new content is examined. */
const MAX_PROCESSES = 8;

export async function run({ short, progress }: ScenarioOptions): Promise<ScenarioResult> {
  const count = short ? 12 : 100;
  const named = Array.from({ length: count }, (_, i) => [
    `model${i}`,
    { versions: { 1: mlp([16, 32, 4], i + 1) }, config: 'instances: [{ count: 1 }]\n' },
  ]);
  const startedAt = performance.now();
  await using subject = await startSubjectWith(Object.fromEntries(named), { waitForReady: false });
  const seen = { looks: 0, failed: 0, slowestMs: 0, early: 0, processes: 0 };
  while (!(await look(subject, count, seen))) await sleep(LOOK_EVERY_MS);
  const tookMs = performance.now() - startedAt;
  progress(`ready after ${Math.round(tookMs)} ms`);
  const ready = await readyModels(subject);
  return {
    rows: [
      row('models that are ready', `${ready} of ${count}`, 'all', ready === count),
      none('ready before all of them were', seen.early, seen.looks),
      none('looks at its health that failed', seen.failed, seen.looks),
      timed(
        'slowest health',
        `${seen.slowestMs.toFixed(0)} ms`,
        `≤ ${MAX_LAG_MS} ms`,
        seen.slowestMs <= MAX_LAG_MS,
      ),
      row('processes at once', seen.processes, `≤ ${MAX_PROCESSES}`, seen.processes <= MAX_PROCESSES),
      row('looks while models were loading', seen.looks, 'some', seen.looks > 1),
    ],
    details: { ...seen, tookMs },
  };
}

/** True once it says that it is ready. */
async function look(
  subject: Subject,
  count: number,
  seen: { looks: number; failed: number; slowestMs: number; early: number; processes: number },
): Promise<boolean> {
  const { url, pid } = subject.headgate;
  const startedAt = performance.now();
  const live = await statusOf(`${url}/v2/health/live`);
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt);
  seen.looks++;
  if (live !== 200) seen.failed++;
  if (seen.looks % 10 === 0) seen.processes = Math.max(seen.processes, processTree(pid).length);
  const isReady = (await statusOf(`${url}/v2/health/ready`)) === 200;
  if (isReady && (await readyModels(subject)) < count) seen.early++;
  return isReady;
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

const readyModels = async (subject: Subject): Promise<number> =>
  (await models(subject)).filter(({ state }) => state === 'READY').length;
