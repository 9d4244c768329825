/** R25: a gateway that may open 64 descriptors, and more clients than that. It pauses, and serves all of them again afterwards. */
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { addConstant } from '../support/onnx.ts';
import { isAlive } from '../support/processes.ts';
import type { Account } from './account.ts';
import { allRight, none, type Row, row } from './figures.ts';
import { metric, models, until, workerPidsOf } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { carry, carryWhile, type Traffic } from './traffic.ts';

const DESCRIPTORS = 64;
const CLIENTS = 200;
const RATE_PER_SECOND = 100;
const HELD_MS = 1000;
/** Of 64: the gateway's own leave room for so many callers and more. */
const EXHAUSTED = 60;
const CALLERS_PER_SECOND = 40;

export async function run({ short, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    { other: { versions: { 1: addConstant(2, WIDTH) }, config: PATIENT } },
    { shell: `ulimit -n ${DESCRIPTORS}` },
  );
  const traffic = { load: rowsFor('other'), ratePerSecond: RATE_PER_SECOND, seed };
  const rounds = short ? 2 : 20;
  let most = 0;
  const { account } = await carryWhile(subject, traffic, async () => {
    for (let i = 0; i < rounds; i++) {
      most = Math.max(most, await exhaust(subject));
      progress(`${i + 1} of ${rounds}`);
    }
  });
  const killed = await killedWhileExhausted(subject, { ...traffic, ratePerSecond: CALLERS_PER_SECOND });
  progress('a worker was killed meanwhile');
  await until(
    'it answers again',
    async () => (await carry(subject, traffic, 0.1)).account.correct > 0,
    60_000,
  );
  const after = await carry(subject, traffic, 3);
  return {
    rows: [
      row(`descriptors in use, of ${DESCRIPTORS}`, most, `≥ ${EXHAUSTED}`, most >= EXHAUSTED),
      row('the gateway lives', String(isAlive(subject.headgate.pid)), 'true', isAlive(subject.headgate.pid)),
      none('wrong, meanwhile', account.wrong, account.requests),
      ...killedRows(killed),
      allRight('not answered, afterwards', after.account),
    ],
    details: { most, account, killed, after: after.account },
  };
}

/** Holds more connections than it can have; resolves with the descriptors it had in use. */
async function exhaust(subject: Subject): Promise<number> {
  const clients = open(subject);
  await sleep(HELD_MS);
  const inUse = descriptorsOf(subject);
  for (const client of clients) client.destroy();
  await sleep(HELD_MS / 2);
  return inUse;
}

interface Killed {
  /** Batches that ran in the worker as it was killed. */
  readonly inFlight: number;
  /** Descriptors in use then. */
  readonly inUse: number;
  /** By somebody else's hand: the gateway did not take it for hung before. */
  readonly deaths: number;
  readonly account: Account;
}

/** A process cannot be started without descriptors for its pipes: it is, once there are some. */
async function killedWhileExhausted(subject: Subject, callers: Traffic): Promise<Killed> {
  const [pid] = await workerPidsOf(subject, 'other');
  if (pid === undefined) throw new Error('no worker hosts the model');
  const before = await deaths(subject);
  // What is sent to it stays in flight until it is killed.
  process.kill(pid, 'SIGSTOP');
  const asked = carry(subject, callers, 0.2);
  asked.catch(() => undefined);
  await until('a batch runs', async () => (await runningBatches(subject)) > 0);
  const inFlight = await runningBatches(subject);
  const clients = open(subject);
  await until('no descriptor is left', () => descriptorsOf(subject) >= EXHAUSTED);
  const inUse = descriptorsOf(subject);
  process.kill(pid, 'SIGKILL');
  await sleep(HELD_MS);
  for (const client of clients) client.destroy();
  const { account } = await asked;
  return { inFlight, inUse, account, deaths: (await deaths(subject)) - before };
}

export const killedRows = ({ inFlight, inUse, deaths, account }: Killed): Row[] => [
  row('batches in flight as a worker was killed', inFlight, 'some', inFlight > 0 && deaths > 0),
  row('descriptors in use then', inUse, `≥ ${EXHAUSTED}`, inUse >= EXHAUSTED),
  // Where no process can be started to run them apart, a 503 is the honest answer.
  none(
    'of those in flight then, lost, wrong or failed',
    account.requests - account.correct - account.refused,
    account.requests,
  ),
];

const deaths = (subject: Subject): Promise<number> =>
  metric(subject, 'headgate_worker_deaths_total', { cause: 'killed' });

async function runningBatches(subject: Subject): Promise<number> {
  return (await models(subject)).reduce((sum, { runningBatches: own = 0 }) => sum + own, 0);
}

function open({ address }: Subject): Socket[] {
  return Array.from({ length: CLIENTS }, () => connect(address.port, address.host).on('error', () => {}));
}

const descriptorsOf = ({ headgate }: Subject): number => readdirSync(`/proc/${headgate.pid}/fd`).length;
