/** R2: a version that crashes its worker again and again, by the test engine: it is quarantined, and nobody else notices. */
import { addConstant } from '../support/onnx.ts';
import { give, obeyed, withdraw } from './engine/orders.ts';
import { allRight, none, row, timed } from './figures.ts';
import { metric, until, workerPidsOf } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { carryWhile } from './traffic.ts';

const RATE_PER_SECOND = 50;
const CRASHES = 3;
const MAX_DELAY_MS = 1000;

export async function run({ seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  const dedicated = `${PATIENT}isolation: dedicated\n`;
  await using subject = await startSubjectWith(
    {
      crashing: { versions: { 1: addConstant(0, WIDTH) }, config: dedicated },
      other: { versions: { 1: addConstant(2, WIDTH) }, config: PATIENT },
    },
    { testEngine: true },
  );
  const [crashing, other] = [rowsFor('crashing'), rowsFor('other')];
  let apart: Awaited<ReturnType<typeof crashAll>> | undefined;
  const beside = await carryWhile(
    subject,
    { load: other, ratePerSecond: RATE_PER_SECOND, seed },
    async () => {
      const own = { load: crashing, ratePerSecond: RATE_PER_SECOND, seed: seed + 1 };
      const { worked, account } = await carryWhile(subject, own, () => crashAll(subject, progress));
      apart = worked;
      return account;
    },
  );
  const { crashes = 0, delayMs = Number.NaN } = apart ?? {};
  const own = beside.worked;
  return {
    rows: [
      row(
        'crashes under callers’ rows, until it was quarantined',
        crashes,
        String(CRASHES),
        crashes === CRASHES,
      ),
      timed(
        'quarantined after the last of them',
        `${Math.round(delayMs)} ms`,
        `≤ ${MAX_DELAY_MS} ms`,
        delayMs <= MAX_DELAY_MS,
      ),
      allRight('S3 other model not answered', beside.account),
      none('its own callers: lost or wrong', own.lost + own.wrong, own.requests),
    ],
    details: { beside: beside.account, own },
  };
}

async function crashAll(subject: Subject, progress: (text: string) => void) {
  const isQuarantined = async () => (await metric(subject, 'headgate_version_quarantined')) > 0;
  let crashes = 0;
  let crashedAt = performance.now();
  while (crashes < 2 * CRASHES && !(await isQuarantined())) {
    const pid = await hostOf(subject);
    if (pid === undefined) throw new Error('no worker hosts the model');
    const before = obeyed(subject.engine).length;
    // In its own worker: what runs apart afterwards is answered.
    give(subject.engine, { kind: 'crash', pid });
    await until('a run that crashes', () => obeyed(subject.engine).length > before);
    crashedAt = performance.now();
    withdraw(subject.engine);
    progress(`${++crashes} crashes`);
    const isOver = async () => (await isQuarantined()) || ![pid, undefined].includes(await hostOf(subject));
    await until('it is quarantined, or back', isOver, 60_000);
  }
  return { crashes, delayMs: performance.now() - crashedAt };
}

const hostOf = async (subject: Subject): Promise<number | undefined> =>
  (await workerPidsOf(subject, 'crashing'))[0];
