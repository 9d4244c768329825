/** R5: one of two groups of instances becomes ten times slower; it is left out, and comes back. By the test engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { slow } from '../support/onnx.ts';
import { give, obeyed, withdraw } from './engine/orders.ts';
import { allRight, ratio, reported, row, slower, timed } from './figures.ts';
import { logged, metric, until, workerPidsOf } from './operator.ts';
import type { RunScenario, ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT_TARGET, rowsFor, type Subject, startSubjectWith, TURNS, WIDTH } from './subject.ts';
import { carry, carryWhile, tail } from './traffic.ts';

const TIMES = 10;
const RATE_PER_SECOND = 100;
/** It must have been too slow in five looks a second apart, of which each sees runs. */
const LEFT_OUT_WITHIN_MS = 60_000;
const BACK_WITHIN_MS = 60_000;
/** Two groups, as each is a worker of its own. */
const GROUPS = 'isolation: dedicated\ninstances: [{ count: 1 }, { count: 1 }]\n';

/** Makes this worker slow. Resolves, once it is as it was, with the proof: how often it was struck. */
export type Slowing = (subject: Subject, pid: number) => { readonly end: () => Promise<number> };

export const run: RunScenario = options => slowGroup(options, byTheEngine);

const byTheEngine: Slowing = ({ engine }, pid) => {
  give(engine, { kind: 'slow', times: TIMES, pid });
  return {
    async end() {
      withdraw(engine);
      return obeyed(engine).length;
    },
  };
};

export async function slowGroup(
  { short, seed, progress }: ScenarioOptions,
  slowing: Slowing,
): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    { target: { versions: { 1: slow(TURNS, WIDTH) }, config: `${PATIENT_TARGET}${GROUPS}` } },
    { testEngine: true },
  );
  const traffic = { load: rowsFor('target'), ratePerSecond: RATE_PER_SECOND, seed };
  const seconds = short ? 5 : 30;
  const healthy = await carry(subject, traffic, seconds);
  const pid = (await workerPidsOf(subject, 'target'))[0];
  if (pid === undefined) throw new Error('no worker hosts the target');
  const startedAt = performance.now();
  const slowed = slowing(subject, pid);
  const noticed = await carryWhile(subject, traffic, () =>
    until(
      'the slow group is left out',
      async () => (await metric(subject, 'headgate_ejections_total')) > 0,
      LEFT_OUT_WITHIN_MS,
    ),
  );
  const outAfterMs = performance.now() - startedAt;
  progress(`left out after ${Math.round(outAfterMs)} ms`);
  const without = await carry(subject, traffic, seconds);
  const struck = await slowed.end();
  if (struck === 0) throw new Error('nothing was slow');
  const back = await carryWhile(subject, traffic, async () => {
    await until('the group is back', () => logged(subject, 'slow instances are back') > 0, BACK_WITHIN_MS);
    await sleep(1000);
  });
  return {
    rows: [
      row('times it was struck: slow runs, or stops', struck, 'some', struck > 0),
      allRight('not answered, healthy', healthy.account),
      allRight('not answered while it is slow', noticed.account),
      allRight('not answered while it is left out', without.account),
      allRight('not answered as it comes back', back.account),
      timed('left out after', `${(outAfterMs / 1000).toFixed(1)} s`, '≤ 20 s', outAfterMs <= 20_000),
      reported('p99 until it is left out ÷ healthy', ratio(tail(noticed), tail(healthy))),
      slower('p99 with it left out ÷ healthy', tail(without), tail(healthy), 2),
    ],
    details: { healthy: healthy.account, noticed: noticed.account, outAfterMs, struck },
  };
}
