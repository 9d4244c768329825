/** R1, R2 and R4 once more, by the test engine: runs that crash or hang in the middle of a batch of callers' rows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { slow } from '../support/onnx.ts';
import { give, type Obeyed, obeyed, withdraw } from './engine/orders.ts';
import { allRight, row } from './figures.ts';
import { until } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT_TARGET, rowsFor, type Subject, startSubjectWith, TURNS, WIDTH } from './subject.ts';
import { carryWhile } from './traffic.ts';

const KINDS = ['crash', 'hang'] as const;
const RATE_PER_SECOND = 100;
/** A worker that was ready for so long begins anew: its next death is not the start of a series, ms. */
const APART_MS = 3500;

export async function run({ short, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    { target: { versions: { 1: slow(TURNS, WIDTH) }, config: PATIENT_TARGET } },
    { testEngine: true },
  );
  const traffic = { load: rowsFor('target'), ratePerSecond: RATE_PER_SECOND, seed };
  const rounds = short ? 1 : 10;
  const { account, worked } = await carryWhile(subject, traffic, async () => {
    const struck: Obeyed[] = [];
    for (let i = 0; i < rounds * KINDS.length; i++) {
      await sleep(APART_MS);
      struck.push(await strike(subject, KINDS[i % KINDS.length] as (typeof KINDS)[number]));
      progress(`${i + 1} of ${rounds * KINDS.length}: ${struck.at(-1)?.kind}`);
    }
    await sleep(APART_MS);
    return struck;
  });
  const proven = worked.length === rounds * KINDS.length && worked.every(({ rows }) => rows > 0);
  return {
    rows: [
      row('runs that obeyed, each with callers’ rows', worked.length, 'all', proven),
      // A worker that hangs is waited for by those behind it: their deadline leaves time for it.
      allRight('not answered right', account),
    ],
    details: { account, worked },
  };
}

/** Gives the order, and has the run that obeyed. */
async function strike({ engine }: Subject, kind: (typeof KINDS)[number]): Promise<Obeyed> {
  const before = obeyed(engine).length;
  give(engine, { kind });
  await until(`a run that obeys ${kind}`, () => obeyed(engine).length > before);
  withdraw(engine);
  return obeyed(engine)[before] as Obeyed;
}
