/** R15: clients that leave after their head, within their body, or once they have asked. Slots come free; others are answered. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniform } from '../../src/load/random.ts';
import { slow } from '../support/onnx.ts';
import { allRight, none, row, timed } from './figures.ts';
import { metric, models, until } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT_TARGET, rowsFor, type Subject, startSubjectWith, TURNS, WIDTH } from './subject.ts';
import { carry, carryWhile } from './traffic.ts';

const RATE_PER_SECOND = 100;
/** Clients that leave, at once on their way. */
const LEAVERS = 8;
const LEAVE_AFTER_MS = 30;

export async function run({ short, seed }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith({
    target: { versions: { 1: slow(TURNS, WIDTH) }, config: PATIENT_TARGET },
  });
  const traffic = { load: rowsFor('target'), ratePerSecond: RATE_PER_SECOND, seed };
  const each = short ? 50 : 1000;
  const { account, worked } = await carryWhile(subject, traffic, () => leaveAll(subject, each, seed));
  await until('nothing is in flight', async () => (await inFlight(subject)) === 0);
  const cancelled = await metric(subject, 'headgate_requests_total', { outcome: 'cancelled' });
  const wasted = (await metric(subject, 'headgate_inferences_total')) - account.correct;
  const after = await carry(subject, traffic, 3);
  const share = (100 * wasted) / (worked + account.requests);
  return {
    rows: [
      row('clients that left', worked, 'all', worked === LEAVERS * each),
      row('of them, cancelled in flight', cancelled, 'some', cancelled > 0),
      allRight('not answered, of those who stayed', account),
      allRight('not answered, once they have left', after.account),
      none('rows and batches still held', await inFlight(subject)),
      timed('rows run for nobody', `${share.toFixed(1)} %`, '≤ 30 %', share <= 30),
    ],
    details: { account, left: worked, cancelled, wasted },
  };
}

async function inFlight(subject: Subject): Promise<number> {
  return (await models(subject)).reduce(
    (sum, { queuedRows = 0, runningBatches = 0 }) => sum + queuedRows + runningBatches,
    0,
  );
}

/** How many left before they were answered in full. */
async function leaveAll(subject: Subject, each: number, seed: number): Promise<number> {
  const requests = rowsFor('target').requests;
  const leavers = Array.from({ length: LEAVERS }, async (_, leaver) => {
    const random = uniform(seed * 1000 + leaver);
    for (let i = 0; i < each; i++)
      await leave(subject, requests[(leaver * each + i) % requests.length] as Buffer, random);
    return each;
  });
  return (await Promise.all(leavers)).reduce((sum, left) => sum + left, 0);
}

/** In thirds: after the head, within the body, after the whole request and a moment more. */
async function leave({ address }: Subject, request: Buffer, random: () => number): Promise<void> {
  const socket = connect(address.port, address.host).on('error', () => {});
  await once(socket, 'connect');
  const head = request.indexOf('\r\n\r\n') + 4;
  const kind = Math.floor(3 * random());
  const end =
    kind === 0 ? head : kind === 1 ? head + Math.floor(random() * (request.length - head)) : request.length;
  await new Promise(resolve => socket.write(request.subarray(0, end), resolve));
  await sleep(LEAVE_AFTER_MS * random());
  if (random() < 0.5) socket.resetAndDestroy();
  else socket.destroy();
}
