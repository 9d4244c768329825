/**
 * R2: a version that crashes its worker again and again, by the test engine: from the worker it shares to its own, and
 * then it is quarantined. The model it shared with goes on.
 */
import { inferPath, inferRequest } from '../../bench/support/oip.ts';
import { addConstant } from '../support/onnx.ts';
import { give, obeyed, withdraw } from './engine/orders.ts';
import { allRight, none, type Row, row, timed } from './figures.ts';
import { metric, until, workerPidsOf } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import {
  DIFFERENT,
  type Load,
  outputOf,
  PATIENT,
  rowsFor,
  type Subject,
  startSubjectWith,
  WIDTH,
} from './subject.ts';
import { carryWhile } from './traffic.ts';

const RATE_PER_SECOND = 50;
const CRASHES = 3;
/** One in which the other model ran as well is no proof against either: there may be some. */
const MOST_CRASHES = 2 * CRASHES;
const MAX_DELAY_MS = 1000;
/** Above all that the other model's callers send. */
const FAR = 2 ** 20;

export async function run({ seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    {
      crashing: { versions: { 1: addConstant(0, WIDTH) }, config: PATIENT },
      other: { versions: { 1: addConstant(2, WIDTH) }, config: PATIENT },
    },
    { testEngine: true },
  );
  const [crashing, other] = [farRows(), rowsFor('other')];
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
  const { crashes = [], delayMs = Number.NaN } = apart ?? {};
  const own = beside.worked;
  return {
    rows: [
      ...crashRows(crashes),
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

interface Crash {
  /** The other model was in the same process. */
  readonly shared: boolean;
}

/** It begins where others are, goes on apart from them, and does not go on for long. */
export function crashRows(crashes: readonly Crash[]): Row[] {
  const alone = crashes.findIndex(({ shared }) => !shared);
  const moved = alone > 0 && crashes.slice(alone).every(({ shared }) => !shared);
  const text = crashes.map(({ shared }) => (shared ? 'shared' : 'own')).join(', ');
  const { length } = crashes;
  return [
    row('crashes in the worker it shares, then in its own', text, 'shared, then own', moved),
    row(
      'crashes under callers’ rows, until it was quarantined',
      length,
      `${CRASHES} to ${MOST_CRASHES}`,
      length >= CRASHES && length <= MOST_CRASHES,
    ),
  ];
}

/** As often as it takes until it is quarantined, and once more than may be. */
async function crashAll(subject: Subject, progress: (text: string) => void) {
  const isQuarantined = async () => (await metric(subject, 'headgate_version_quarantined')) > 0;
  const crashes: Crash[] = [];
  let crashedAt = performance.now();
  while (crashes.length <= MOST_CRASHES && !(await isQuarantined())) {
    const pid = await hostOf(subject);
    if (pid === undefined) throw new Error('no worker hosts the model');
    const shared = (await workerPidsOf(subject, 'other')).includes(pid);
    const before = obeyed(subject.engine).length;
    // In this process alone: what runs apart afterwards is answered.
    give(subject.engine, { kind: 'crash', pid, atLeast: FAR });
    await until('a run that crashes', () => obeyed(subject.engine).length > before);
    crashedAt = performance.now();
    withdraw(subject.engine);
    crashes.push({ shared });
    progress(`${crashes.length} crashes, ${shared ? 'in a shared worker' : 'in its own'}`);
    const isOver = async () => (await isQuarantined()) || ![pid, undefined].includes(await hostOf(subject));
    await until('it is quarantined, or back', isOver, 60_000);
  }
  return { crashes, delayMs: performance.now() - crashedAt };
}

const hostOf = async (subject: Subject): Promise<number | undefined> =>
  (await workerPidsOf(subject, 'crashing'))[0];

/** Rows that only this model is sent, each answered with itself. */
function farRows(): Load {
  const rows = Array.from({ length: DIFFERENT }, (_, i) =>
    Float32Array.from({ length: WIDTH }, (_, at) => FAR + i * WIDTH + at),
  );
  return {
    requests: rows.map(values =>
      inferRequest(inferPath('crashing'), [{ name: 'x', shape: [1, WIDTH], values }], 'binary'),
    ),
    check: (reply, index) => {
      const [own, values] = [rows[index % DIFFERENT], outputOf(reply)];
      if (values.length !== WIDTH || values.some((value, at) => value !== own?.[at]))
        throw new Error(`request ${index} was answered ${values.slice(0, 4)}, not ${own?.slice(0, 4)}`);
    },
  };
}
