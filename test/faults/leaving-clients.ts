/** R15: clients that leave after their head, within their body, or once they have asked. Slots come free; others are answered. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniform } from '../../src/load/random.ts';
import { slow } from '../support/onnx.ts';
import { allRight, none, type Row, row, timed } from './figures.ts';
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
  const share = (100 * wasted) / (worked.length + account.requests);
  return {
    rows: [
      leftRow(worked),
      row('of them, cancelled in flight', cancelled, 'some', cancelled > 0),
      allRight('not answered, of those who stayed', account),
      allRight('not answered, once they have left', after.account),
      none('rows and batches still held', await inFlight(subject)),
      timed('rows run for nobody', `${share.toFixed(1)} %`, '≤ 30 %', share <= 30),
    ],
    details: { account, left: worked.length, cancelled, wasted },
  };
}

async function inFlight(subject: Subject): Promise<number> {
  return (await models(subject)).reduce(
    (sum, { queuedRows = 0, runningBatches = 0 }) => sum + queuedRows + runningBatches,
    0,
  );
}

const PLACES = ['head', 'body', 'request'] as const;

/** How a client left. */
interface Leaving {
  /** What was sent last. */
  readonly after: (typeof PLACES)[number];
  /** It had some of an answer already, and so cost nobody anything. */
  readonly answered: boolean;
}

/** Of each place some left with nothing in hand. */
export function leftRow(left: readonly Leaving[]): Row {
  const counts = PLACES.map(place => left.filter(one => one.after === place && !one.answered).length);
  return row(
    'clients that left unanswered, after head, in body, after all',
    counts.join(', '),
    'some of each',
    counts.every(count => count > 0),
  );
}

async function leaveAll(subject: Subject, each: number, seed: number): Promise<readonly Leaving[]> {
  const requests = rowsFor('target').requests;
  const leavers = Array.from({ length: LEAVERS }, async (_, leaver) => {
    const random = uniform(seed * 1000 + leaver);
    const left: Leaving[] = [];
    for (let i = 0; i < each; i++)
      left.push(await leave(subject, requests[(leaver * each + i) % requests.length] as Buffer, random));
    return left;
  });
  return (await Promise.all(leavers)).flat();
}

/** In thirds: after the head, within the body, after the whole request and a moment more. */
async function leave({ address }: Subject, request: Buffer, random: () => number): Promise<Leaving> {
  let answered = false;
  const socket = connect(address.port, address.host).on('error', () => {});
  socket.on('data', () => {
    answered = true;
  });
  await once(socket, 'connect');
  const head = request.indexOf('\r\n\r\n') + 4;
  const after = PLACES[Math.floor(PLACES.length * random())] as Leaving['after'];
  const ends = { head, body: head + Math.floor(random() * (request.length - head)), request: request.length };
  await new Promise(resolve => socket.write(request.subarray(0, ends[after]), resolve));
  await sleep(LEAVE_AFTER_MS * random());
  if (random() < 0.5) socket.resetAndDestroy();
  else socket.destroy();
  return { after, answered };
}
