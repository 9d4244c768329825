/** Steady traffic before and during a fault, one request after the other judged: open loop, at a rate of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { closedLoop } from '../../src/load/closed-loop.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { quantile } from '../../src/load/quantile.ts';
import { type Account, accountOf } from './account.ts';
import type { Tail } from './figures.ts';
import { type Load, PATIENCE_MS, type Subject } from './subject.ts';

/** What an answer may take on its way past its deadline, ms. */
const GRACE_MS = 1000;
const CHUNK_SECONDS = 1;
const CONNECTIONS = 64;

export interface Traffic {
  readonly load: Load;
  readonly ratePerSecond: number;
  readonly seed: number;
}

export interface Carried {
  readonly account: Account;
  /** Of correct answers, ms, ascending. */
  readonly okMs: Float64Array;
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Of all requests, those that left late, as this machine was busy. */
  readonly lateShare: number;
}

/** Sends for so long. */
export async function carry(subject: Subject, traffic: Traffic, seconds: number): Promise<Carried> {
  const { load, ratePerSecond, seed } = traffic;
  const statuses: Record<number, number> = {};
  const result = await openLoop({
    ...{ ...subject.address, requests: load.requests, check: load.check },
    arrivals: poissonArrivals(ratePerSecond, Math.ceil(ratePerSecond * seconds), seed),
    maxConnections: 1024,
    timeoutMs: PATIENCE_MS + GRACE_MS,
    inspect: ({ status }) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
    },
  });
  return { account: accountOf(result), okMs: result.okMs, statuses, lateShare: result.generator.lateShare };
}

/**
 * Sends until the work is over, and has the work's result. Requests leave when they are due even while nobody answers:
 * what a stall of some seconds would have met is sent to it. Rejects when the work does.
 */
export async function carryWhile<T>(
  subject: Subject,
  traffic: Traffic,
  work: () => Promise<T>,
): Promise<Carried & { readonly worked: T }> {
  const parts: Promise<Carried>[] = [];
  let over = false;
  const working = work().finally(() => {
    over = true;
  });
  working.catch(() => undefined);
  while (!over) {
    const part = carry(subject, { ...traffic, seed: traffic.seed + parts.length }, CHUNK_SECONDS);
    part.catch(() => undefined);
    parts.push(part);
    await sleep(CHUNK_SECONDS * 1000);
  }
  return { ...joined(await Promise.all(parts)), worked: await working };
}

/** Correct answers per second when callers ask again at once. */
export async function capacityOf(subject: Subject, load: Load, seconds = 3): Promise<number> {
  const { okPerSecond } = await closedLoop({
    ...{ ...subject.address, ...load, connections: CONNECTIONS, seconds, warmupSeconds: seconds },
  });
  return okPerSecond;
}

/** Answers that blame the server. */
export const serverErrors = ({ statuses }: Carried): number =>
  Object.entries(statuses).reduce((sum, [status, count]) => sum + (Number(status) >= 500 ? count : 0), 0);

export const tail = ({ okMs, lateShare }: Carried): Tail => ({ p99Ms: quantile(okMs, 0.99), lateShare });

export function joined(parts: readonly Carried[]): Carried {
  const account = parts.map(part => part.account).reduce(added, NOTHING);
  const okMs = Float64Array.from(parts.flatMap(part => [...part.okMs])).sort();
  const statuses: Record<number, number> = {};
  for (const part of parts)
    for (const [status, count] of Object.entries(part.statuses))
      statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count;
  const late = parts.reduce((sum, { lateShare, account: { requests } }) => sum + lateShare * requests, 0);
  return { account, okMs, statuses, lateShare: late / Math.max(1, account.requests) };
}

const NOTHING: Account = { requests: 0, correct: 0, refused: 0, failed: 0, lost: 0, wrong: 0, firsts: {} };

function added(one: Account, other: Account): Account {
  return {
    requests: one.requests + other.requests,
    correct: one.correct + other.correct,
    refused: one.refused + other.refused,
    failed: one.failed + other.failed,
    lost: one.lost + other.lost,
    wrong: one.wrong + other.wrong,
    firsts: { ...other.firsts, ...one.firsts },
  };
}
