/** S11: does an answer ever hold rows of another request, while workers die and clients leave? */
import { setTimeout as sleep } from 'node:timers/promises';
import { uniform } from '../../src/load/random.ts';
import { Asker } from './cross-talk-asker.ts';
import { type CrossTalkSubject, MixedQuestions } from './cross-talk-subject.ts';
import { CrossTalkTally } from './cross-talk-tally.ts';
import type { Row } from './figures.ts';
import { type Kill, killHost, takenSlots } from './worker-kills.ts';

export interface CrossTalkOptions {
  /** Own answers to wait for. */
  readonly replies: number;
  readonly clients: number;
  /** From one worker's death to the next; Infinity: none is killed. */
  readonly killEverySeconds: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

export interface CrossTalkResult {
  readonly wanted: number;
  readonly seconds: number;
  readonly tally: CrossTalkTally;
  readonly kinds: number;
  /** Kinds that were answered. */
  readonly kindsMet: number;
  readonly clients: number;
  /** Those of them that leave while something of theirs is under way. */
  readonly leavers: number;
  readonly kills: readonly Kill[];
  /** Rows that wait and batches that run once nobody asks any more. */
  readonly takenAfter: number;
}

/** Of the clients; each leaves under one of this many requests. */
const LEAVERS = 0.3;
const LEAVES = 1 / 50;
/** Of the clients; as many requests under way on one connection. */
const PIPELINED = 0.25;
const DEPTH = 4;
const PROGRESS_MS = 10_000;
const LOOK_MS = 50;
/** From one worker's death to the next: on a busy machine one that is killed as soon as it is back answers nobody. */
const LEAST_REPLIES = 1000;

export async function crossTalk(
  subject: CrossTalkSubject,
  options: CrossTalkOptions,
): Promise<CrossTalkResult> {
  const tally = new CrossTalkTally();
  const questions = new MixedQuestions(uniform(options.seed));
  const askers = askersOf(subject, options, questions, tally);
  const startedAt = performance.now();
  for (const asker of askers) asker.start();
  const kills: Kill[] = [];
  const killed = () => kills.length > 0 || !Number.isFinite(options.killEverySeconds);
  const isOver = () => (tally.own >= options.replies && killed()) || tally.foreign > 0;
  const killing = killAgainAndAgain(subject, options, { kills, tally, isOver });
  await untilOver(isOver, tally, options);
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all([...askers.map(asker => asker.stop()), killing]);
  return {
    wanted: options.replies,
    seconds,
    tally,
    kinds: questions.kinds.length,
    kindsMet: tally.byKind.size,
    clients: askers.length,
    leavers: Math.ceil(LEAVERS * askers.length),
    kills,
    takenAfter: await takenSlots(subject.headgate.adminUrl),
  };
}

function askersOf(
  { address }: CrossTalkSubject,
  { clients, seed }: CrossTalkOptions,
  questions: MixedQuestions,
  tally: CrossTalkTally,
): Asker[] {
  return Array.from({ length: clients }, (_, i) => {
    const depth = i % Math.round(1 / PIPELINED) === 0 ? DEPTH : 1;
    const leaves = i < LEAVERS * clients ? LEAVES : 0;
    const random = uniform(seed + i + 1);
    return new Asker({ address, asker: i, depth, leaves, pauseMs: 0, questions, tally, random });
  });
}

interface Killing {
  /** Added to. */
  readonly kills: Kill[];
  readonly tally: CrossTalkTally;
  readonly isOver: () => boolean;
}

async function killAgainAndAgain(
  { headgate }: CrossTalkSubject,
  { killEverySeconds, seed }: CrossTalkOptions,
  { kills, tally, isOver }: Killing,
): Promise<void> {
  const random = uniform(seed);
  while (Number.isFinite(killEverySeconds)) {
    const due = performance.now() + killEverySeconds * 1000;
    const enough = kills.length === 0 ? 0 : tally.own + LEAST_REPLIES;
    while (performance.now() < due || tally.own < enough) {
      if (isOver()) return;
      await sleep(LOOK_MS);
    }
    const kill = await killHost(headgate.adminUrl, random, isOver);
    if (kill !== undefined) kills.push(kill);
  }
}

async function untilOver(
  isOver: () => boolean,
  tally: CrossTalkTally,
  { replies, progress }: CrossTalkOptions,
): Promise<void> {
  let [toldAt, told] = [performance.now(), 0];
  while (!isOver()) {
    await sleep(LOOK_MS);
    const now = performance.now();
    if (now - toldAt < PROGRESS_MS) continue;
    const rate = ((tally.own - told) * 1000) / (now - toldAt);
    const others = `${tally.refused} refused, ${tally.failed} failed, ${tally.lost} lost, ${tally.left} left`;
    progress(`${tally.own} of ${replies} replies, ${rate.toFixed(0)}/s, ${tally.foreign} foreign; ${others}`);
    [toldAt, told] = [now, tally.own];
  }
}

export function crossTalkRows(result: CrossTalkResult): Row[] {
  const { tally, wanted, kinds, kindsMet, clients, leavers, kills, takenAfter } = result;
  const proven = kills.length > 0 && kills.every(({ inFlight }) => inFlight > 0);
  const share = (count: number) => `${((100 * count) / Math.max(1, tally.looked)).toFixed(1)} %`;
  const rate = `${(tally.own / result.seconds).toFixed(0)}/s`;
  return [
    row('S11 replies', `${tally.own}, ${rate}`, `≥ ${wanted}`, tally.own >= wanted),
    row('S11 with another request’s rows or id', String(tally.foreign), '0', tally.foreign === 0),
    row('S11 failed otherwise', String(tally.failed), '0', tally.failed === 0),
    row('S11 lost', String(tally.lost), '0', tally.lost === 0),
    row('S11 told to come later', String(tally.refused), 'any', true),
    row('workers killed, each with batches in flight', String(kills.length), 'all', proven),
    row('R15 clients that leave', `${leavers} of ${clients}`, '≥ 30 %', leavers >= 0.3 * clients),
    row('R15 requests left behind', String(tally.left), '> 0', tally.left > 0),
    row('R15 slots taken once all is over', String(takenAfter), '0', takenAfter === 0),
    row('kinds of request answered', `${kindsMet} of ${kinds}`, 'all', kindsMet === kinds),
    row('shared a batch', share(tally.shared), '> 0', tally.shared > 0),
    row('answered from the cache', share(tally.kept), '> 0', tally.kept > 0),
  ];
}

function row(figure: string, value: string, target: string, kept: boolean): Row {
  return { figure, value, target, kept };
}
