/** S8: what callers feel of thousands of connections that idle, send slowly or read slowly. */
import { setTimeout as sleep } from 'node:timers/promises';
import { processTree, treeCpu } from '../../bench/support/process-tree.ts';
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { closedLoop } from '../../src/load/closed-loop.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { quantile } from '../../src/load/quantile.ts';
import type { SlowSubject } from './slow-clients-subject.ts';
import { SlowCrowd } from './slow-crowd.ts';
import type { Count, Guests } from './slow-crowd-child.ts';
import { GUEST_KINDS } from './slow-guest.ts';
import { mostOpenFiles } from './sockets.ts';
import { rowsFor } from './subject.ts';

export interface SlowClientsOptions {
  readonly guests: Partial<Guests>;
  /** Stretches with the crowd; one more without it. */
  readonly stretches: number;
  readonly secondsEach: number;
  /** Of what it was measured to carry, the good load. */
  readonly share: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** Good traffic of one stretch. */
export interface Stretch {
  readonly p99Ms: number;
  /** Of the gateway's process, all of it, µs a request: what is left to compare on a machine with other work. */
  readonly cpuUs: number;
  readonly requests: number;
  readonly notAnswered: number;
}

export interface SlowClientsResult {
  readonly ratePerSecond: number;
  /** One more than of the others, which lie between them. */
  readonly without: readonly Stretch[];
  readonly withCrowd: readonly Stretch[];
  readonly wanted: Partial<Guests>;
  /** At the end of each stretch with them. */
  readonly counts: readonly Count[];
  /** Of the gateway, once those that idle had come, against before. */
  readonly idleBytes: number;
}

const SETTLE_MS = 2000;
/** Of a stretch, what is not looked at: its own connections are made, and all begin at once. */
const BEGINNING_MS = 1000;
/** For files, models, workers and callers. */
const OTHER_FILES = 1000;

export async function slowClients(
  subject: SlowSubject,
  options: SlowClientsOptions,
): Promise<SlowClientsResult> {
  const { guests, stretches, progress } = options;
  mustHold(guests);
  const ratePerSecond = await moderate(subject, options);
  const good = (n: number) => goodTraffic(subject, ratePerSecond, options, options.seed + n);
  await using crowd = new SlowCrowd(subject.address);
  const [without, withCrowd, counts] = [[await good(0)], [] as Stretch[], [] as Count[]];
  let idleBytes = 0;
  for (let n = 1; n <= stretches; n++) {
    const before = residentBytes(subject);
    await crowd.open({ idle: guests.idle ?? 0 }, { returns: true });
    await sleep(SETTLE_MS);
    // Later ones find the memory of the first.
    if (n === 1) idleBytes = residentBytes(subject) - before;
    await crowd.open({ ...guests, idle: 0 }, { returns: true });
    withCrowd.push(await good(2 * n - 1));
    counts.push(await crowd.count());
    await crowd.close();
    await sleep(SETTLE_MS);
    without.push(await good(2 * n));
    const [off, on] = [without.at(-1), withCrowd.at(-1)].map(one => one?.p99Ms.toFixed(2));
    progress(`stretch ${n} of ${stretches}: p99 ${on} ms with them, then ${off} ms without`);
  }
  return { ratePerSecond, without, withCrowd, wanted: guests, counts, idleBytes };
}

function mustHold(guests: Partial<Guests>): void {
  const needed = total(guests) + OTHER_FILES;
  if (mostOpenFiles() < needed)
    throw new Error(`${needed} open files are needed, ${mostOpenFiles()} allowed: see ulimit -n`);
}

async function moderate({ address }: SlowSubject, { share }: SlowClientsOptions): Promise<number> {
  const load = rowsFor('other');
  const carried = await closedLoop({ ...address, ...load, connections: 32, seconds: 3, warmupSeconds: 3 });
  return Math.floor(carried.okPerSecond * share);
}

async function goodTraffic(
  { address, headgate }: SlowSubject,
  ratePerSecond: number,
  { secondsEach }: SlowClientsOptions,
  seed: number,
): Promise<Stretch> {
  const arrivals = poissonArrivals(ratePerSecond, Math.ceil(ratePerSecond * secondsEach), seed);
  const before = treeCpu(headgate.pid).root;
  const latenciesMs: number[] = [];
  const { requests, outcomes } = await openLoop({
    ...{ ...address, ...rowsFor('other'), arrivals },
    inspect: ({ status }, index, ms) => {
      if (status === 200 && (arrivals[index] ?? 0) >= BEGINNING_MS) latenciesMs.push(ms);
    },
  });
  const cpuUs = ((treeCpu(headgate.pid).root - before) * 1e6) / requests;
  const p99Ms = quantile(Float64Array.from(latenciesMs).sort(), 0.99);
  return { p99Ms, cpuUs, requests, notAnswered: requests - outcomes.ok };
}

function residentBytes({ headgate }: SlowSubject): number {
  return processTree(headgate.pid)[0]?.rssBytes ?? Number.NaN;
}

export function total(guests: Partial<Guests>): number {
  return GUEST_KINDS.reduce((sum, kind) => sum + (guests[kind] ?? 0), 0);
}
