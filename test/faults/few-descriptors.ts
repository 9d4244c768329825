/** R25: a gateway that may open 64 descriptors, and more clients than that. It pauses, and serves all of them again afterwards. */
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { addConstant } from '../support/onnx.ts';
import { isAlive } from '../support/processes.ts';
import { allRight, none, row } from './figures.ts';
import { until, workerPidsOf } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { carry, carryWhile } from './traffic.ts';

const DESCRIPTORS = 64;
const CLIENTS = 200;
const RATE_PER_SECOND = 100;
const HELD_MS = 1000;

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
  await killedWhileExhausted(subject);
  progress('a worker was killed meanwhile');
  await until(
    'it answers again',
    async () => (await carry(subject, traffic, 0.1)).account.correct > 0,
    60_000,
  );
  const after = await carry(subject, traffic, 3);
  return {
    rows: [
      row('descriptors in use, of 64', most, '≥ 60', most >= 60),
      row('the gateway lives', String(isAlive(subject.headgate.pid)), 'true', isAlive(subject.headgate.pid)),
      none('wrong, meanwhile', account.wrong, account.requests),
      allRight('not answered, afterwards', after.account),
    ],
    details: { most, account, after: after.account },
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

/** A process cannot be started without descriptors for its pipes: it is, once there are some. */
async function killedWhileExhausted(subject: Subject): Promise<void> {
  const [pid] = await workerPidsOf(subject, 'other');
  if (pid === undefined) throw new Error('no worker hosts the model');
  const clients = open(subject);
  await sleep(HELD_MS);
  process.kill(pid, 'SIGKILL');
  await sleep(HELD_MS);
  for (const client of clients) client.destroy();
}

function open({ address }: Subject): Socket[] {
  return Array.from({ length: CLIENTS }, () => connect(address.port, address.host).on('error', () => {}));
}

const descriptorsOf = ({ headgate }: Subject): number => readdirSync(`/proc/${headgate.pid}/fd`).length;
