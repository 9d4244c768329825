/**
 * R23: a version that fails always, half of the time, sometimes, or never. Its breaker opens for a version that fails on its
 * own sample, and for nothing that callers send; while it is open only samples run; others are served throughout.
 */
import { inferPath, inferRequest } from '../../bench/support/oip.ts';
import { constantArrivals } from '../../src/load/arrivals.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { addConstant, gather } from '../support/onnx.ts';
import { give, obeyed, withdraw } from './engine/orders.ts';
import { allRight, none, row, timed } from './figures.ts';
import { breakers, metric, until, workerPidsOf } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { carryWhile } from './traffic.ts';

const TABLE = 100;
const RATE_PER_SECOND = 100;
const OPENS_WITHIN_MS = 1000;
const OPEN_MS = 1000;
/** Of callers' inputs that make the model fail. */
const SHARES = [0, 0.05, 0.5, 1];
const TRIALS = 3;

export async function run({ short, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    {
      gather: {
        versions: { 1: gather(TABLE) },
        config: `${PATIENT}isolation: dedicated\nbreaker: { openMs: ${OPEN_MS} }\n`,
      },
      other: { versions: { 1: addConstant(2, WIDTH) }, config: `${PATIENT}isolation: dedicated\n` },
    },
    { testEngine: true },
  );
  const traffic = { load: rowsFor('other'), ratePerSecond: RATE_PER_SECOND, seed };
  const seconds = short ? 2 : 20;
  const { account, worked } = await carryWhile(subject, traffic, async () => {
    // Counted, not looked at: one that opened may have closed again.
    const openedBefore = await openings(subject);
    let asked = 0;
    let turnedAway = 0;
    for (const share of SHARES) {
      progress(`${100 * share} % of callers’ inputs fail`);
      const { requests, outcomes } = await ask(subject, seconds, share);
      asked += requests;
      turnedAway += outcomes['503'];
    }
    const falseOpens = (await openings(subject)) - openedBefore;
    return { falseOpens, asked, turnedAway, ...(await failing(subject, progress)) };
  });
  const { falseOpens, asked, turnedAway, openedMs, struckWhileOpen, refused, closedMs, counted } = worked;
  return {
    rows: [
      row('openings for what callers sent', falseOpens, '0', falseOpens === 0),
      none('503 for what callers sent', turnedAway, asked),
      row('openings counted when it fails whatever it is given', counted, '> 0', counted > 0),
      timed(
        'opened after, when it fails whatever it is given',
        `${Math.round(openedMs)} ms`,
        `≤ ${OPENS_WITHIN_MS} ms`,
        openedMs <= OPENS_WITHIN_MS,
      ),
      row(
        'runs while it was open: samples of one trial at a time',
        struckWhileOpen,
        `≤ ${TRIALS}`,
        struckWhileOpen <= TRIALS,
      ),
      row('asked while it was open: 503', refused, 'all', refused === 'all'),
      timed('closed after, once it is well', `${Math.round(closedMs)} ms`, '≤ 10 s', closedMs <= 10_000),
      allRight('other model not answered', account),
    ],
    details: { account, ...worked },
  };
}

/** The engine fails whatever it is given, its sample too; and is well again. */
async function failing(subject: Subject, progress: (text: string) => void) {
  progress('it fails whatever it is given');
  // Only this version's worker obeys: the other's goes on.
  const pid = await pidOf(subject);
  const openedBefore = await openings(subject);
  const startedAt = performance.now();
  give(subject.engine, { kind: 'throw', samples: true, pid });
  const opening = ask(subject, 3, 0);
  await until('its breaker opens', () => isOpen(subject), 20_000);
  const openedMs = performance.now() - startedAt;
  await opening;
  const before = obeyed(subject.engine).length;
  const { outcomes, requests } = await ask(subject, OPEN_MS / 2000, 0);
  const struckWhileOpen = obeyed(subject.engine).length - before;
  withdraw(subject.engine);
  const wellAt = performance.now();
  await until('its breaker closes', async () => !(await isOpen(subject)), 60_000);
  const closedMs = performance.now() - wellAt;
  return {
    ...{ openedMs, struckWhileOpen, closedMs, counted: (await openings(subject)) - openedBefore },
    refused: outcomes['503'] === requests ? 'all' : `${outcomes['503']} of ${requests}`,
  };
}

function ask({ address }: Subject, seconds: number, share: number) {
  const every = share === 0 ? Number.POSITIVE_INFINITY : Math.round(1 / share);
  const requests = Array.from({ length: 10 * TABLE }, (_, i) => {
    // Above what a sample holds, so that the test engine takes it for a caller's.
    const index = i % every === every - 1 ? TABLE + i : 11 + (i % (TABLE - 11));
    return inferRequest(inferPath('gather'), [feedOf(index)], 'binary');
  });
  const arrivals = constantArrivals(RATE_PER_SECOND, Math.ceil(RATE_PER_SECOND * seconds));
  return openLoop({ ...address, requests, arrivals });
}

const feedOf = (index: number) => ({
  ...{ name: 'index', shape: [1, 1], values: BigInt64Array.of(BigInt(index)) },
});

async function pidOf(subject: Subject): Promise<number> {
  const [pid] = await workerPidsOf(subject, 'gather');
  if (pid === undefined) throw new Error('no worker hosts the model');
  return pid;
}

const openings = (subject: Subject): Promise<number> =>
  metric(subject, 'headgate_breaker_transitions_total', { model: 'gather', state: 'open' });

const isOpen = async (subject: Subject): Promise<boolean> =>
  (await breakers(subject)).some(({ model, state }) => model === 'gather' && state !== 'closed');
