/** Load while faults are injected: what became of every request, and how soon the gateway did its full work again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { closedLoop } from '../../src/load/closed-loop.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { type Account, accountOf } from './account.ts';
import { chaosRows, isLate } from './figures.ts';
import { FAULTS, type Fault, type Injected, inject, type Told } from './injections.ts';
import { workerPidsOf } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { DEADLINE_MS, type Load, rowsFor, type Subject, startSubject, WIDTH } from './subject.ts';
import { Timeline } from './timeline.ts';

/** What an answer may take on its way past its deadline, ms. */
const GRACE_MS = 1000;
const CONNECTIONS = 64;
/** After each death, ms. */
const SHOWN_MS = 4000;
/** Of the load: what comes within a deadline, so that none waits in the client. */
const MOST_CONNECTIONS = 12_000;

export interface ChaosOptions {
  readonly seconds: number;
  readonly everySeconds: number;
  /** Of what it was measured to carry. */
  readonly share: number;
  readonly seed: number;
  readonly faults?: readonly Fault[];
  readonly progress: (text: string) => void;
}

export interface ChaosResult {
  readonly ratePerSecond: number;
  /** From the death of a worker at rest until its next answer, ms. */
  readonly loadingMs: number;
  readonly target: Account;
  /** Its answers and refusals that came after the deadline. */
  readonly late: number;
  /** Of the other model, which shares the worker until the target is given one of its own. */
  readonly bystander: Account;
  /** What the callers were told whose own rows hung. */
  readonly hung: readonly Told[];
  readonly injected: readonly Injected[];
  /** From each death until answers came at their full rate again, ms. */
  readonly recoveredMs: readonly number[];
  /** Requests refused from each fault to the next, of the model and of the other. */
  readonly refusedAfter: readonly number[];
  readonly otherRefusedAfter: readonly number[];
  /** Answers in each tenth of the seconds after each death: what to look at where full work came late. */
  readonly answeredAfter: readonly (readonly number[])[];
}

/** S1 to S3 at 60 % of what it carries: ten minutes with a fault every ten seconds, or one with a fault every five. */
export async function run({ short, seconds, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubject();
  const [usual, everySeconds] = short ? [60, 5] : [600, 10];
  const result = await chaos(subject, {
    ...{ seconds: seconds ?? usual, everySeconds, share: 0.6, seed, progress },
  });
  for (const [i, { fault, atMs }] of result.injected.entries())
    progress(
      `${fault} at ${atMs} ms: full work after ${result.recoveredMs[i]} ms, ${result.refusedAfter[i]} refused`,
    );
  return { rows: chaosRows(result), details: result };
}

export async function chaos(subject: Subject, options: ChaosOptions): Promise<ChaosResult> {
  const { seconds, share, seed, progress } = options;
  progress('measuring what it carries');
  const load = rowsFor('target');
  const carried = await closedLoop({
    ...{ ...subject.address, ...load, connections: CONNECTIONS, seconds: 4, warmupSeconds: 4 },
  });
  const ratePerSecond = Math.floor(carried.okPerSecond * share);
  const loadingMs = await loadingTime(subject);
  const startedAt = performance.now();
  const timeline = new Timeline(seconds + 10, startedAt);
  const others = new Timeline(seconds + 10, startedAt);
  const running = Promise.all([
    loadWith(subject, load, ratePerSecond, seconds, seed, timeline.note),
    loadWith(subject, rowsFor('other'), 20, seconds, seed + 1, others.note),
  ]);
  const injected = await injectAll(subject, options, startedAt);
  const untilNext = (of: Timeline) => (one: Injected) =>
    of.refusedBetween(one.atMs, one.atMs + options.everySeconds * 1000);
  const [target, bystander] = await running;
  return {
    ratePerSecond,
    loadingMs,
    target: target.account,
    late: target.late,
    bystander: bystander.account,
    injected: injected.map(({ caller: _, ...rest }) => rest),
    hung: await Promise.all(injected.flatMap(({ caller }) => caller ?? [])),
    recoveredMs: injected.map(({ diedMs }) => timeline.recoveredAfterMs(diedMs, ratePerSecond)),
    refusedAfter: injected.map(untilNext(timeline)),
    otherRefusedAfter: injected.map(untilNext(others)),
    answeredAfter: injected.map(({ diedMs }) => timeline.answeredBetween(diedMs, diedMs + SHOWN_MS)),
  };
}

/** What a new worker takes by itself to serve again: what the recovery of a loaded one is held against. */
async function loadingTime(subject: Subject): Promise<number> {
  const [pid] = await workerPidsOf(subject, 'target');
  if (pid === undefined) throw new Error('nobody hosts the model');
  process.kill(pid, 'SIGKILL');
  const from = performance.now();
  const x = { name: 'x', shape: [1, WIDTH], data: new Float32Array(WIDTH) };
  assertOk(await inferBinary(inferUrl(subject.headgate.url, 'target'), [x]));
  return performance.now() - from;
}

async function injectAll(subject: Subject, options: ChaosOptions, startedAt: number): Promise<Injected[]> {
  const { seconds, everySeconds, faults = FAULTS, progress } = options;
  const injected: Injected[] = [];
  // Time to warm up before the first, and to recover after the last.
  for (let at = everySeconds / 2; at <= seconds - everySeconds / 2; at += everySeconds) {
    await sleep(Math.max(0, startedAt + at * 1000 - performance.now()));
    const fault = faults[injected.length % faults.length] as Fault;
    injected.push(await inject(fault, subject, 'target', startedAt));
    progress(`${Math.round(at)} of ${seconds} s: ${fault}`);
  }
  return injected;
}

async function loadWith(
  { address }: Subject,
  { requests, check }: Load,
  ratePerSecond: number,
  seconds: number,
  seed: number,
  inspect?: (reply: { readonly status: number }) => void,
): Promise<{ readonly account: Account; readonly late: number }> {
  const result = await openLoop({
    ...{ ...address, requests, check },
    arrivals: poissonArrivals(ratePerSecond, Math.ceil(ratePerSecond * seconds), seed),
    maxConnections: MOST_CONNECTIONS,
    timeoutMs: DEADLINE_MS + GRACE_MS,
    ...(inspect === undefined ? {} : { inspect }),
  });
  const late = [result.okMs, result.refusedMs].flatMap(all => [...all.filter(isLate)]).length;
  return { account: accountOf(result), late };
}
