/**
 * R20: SIGTERM while callers are at work, which never retry; and R21 as far as it goes for a gateway of one front process:
 * killed, its callers' connections die with it, and nothing else of it may stay.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { allOutcomes, type LeavingRound, leavingRound } from '../../bench/support/leaving-round.ts';
import { outcomesText, total } from '../../bench/support/load.ts';
import { uniform } from '../../src/load/random.ts';
import { slow, writeRepository } from '../support/onnx.ts';
import { none, type Row, row, timed } from './figures.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';

/** As configured: a gateway that has not left by then is cut off. */
const DRAIN_MS = 30_000;
const MODEL = 'slow';

export async function run({ short, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  const random = uniform(seed);
  const rounds = (signal: 'SIGTERM' | 'SIGKILL', count: number) =>
    inFolder(async (folder, repository) => {
      const results: LeavingRound[] = [];
      for (let i = 0; i < count; i++) {
        results.push(await leavingRound(signal, { model: MODEL, repository, folder }, 200 + random() * 400));
        progress(`${signal} ${i + 1} of ${count}`);
      }
      return results;
    });
  const told = await rounds('SIGTERM', short ? 3 : 50);
  const killed = await rounds('SIGKILL', short ? 2 : 10);
  return { rows: [...toldRows(told), ...killedRows(killed)], details: { told, killed } };
}

/** Rounds share it: what one leaves the next start must clear away. */
async function inFolder<T>(work: (folder: string, repository: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hgf-'));
  try {
    const repository = path.join(folder, 'models');
    await writeRepository(repository, { [MODEL]: { versions: { 1: slow(1000, 4) } } });
    return await work(folder, repository);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function toldRows(rounds: readonly LeavingRound[]): Row[] {
  const outcomes = allOutcomes(rounds);
  const answered = (outcomes.get('200') ?? 0) + (outcomes.get('503') ?? 0);
  // A connection that was refused accepted nothing.
  const lost = total(outcomes) - answered - (outcomes.get('refused') ?? 0);
  const exits = [...new Set(rounds.map(({ exit }) => String(exit.code ?? exit.signal)))].join();
  const slowest = Math.max(...rounds.map(({ tookMs }) => tookMs));
  return [
    row('SIGTERM under callers at work', outcomesText(outcomes), 'some', answered > 0),
    none('S6 accepted requests lost', lost, total(outcomes)),
    row('S6 exit codes', exits, '0', exits === '0'),
    timed('S6 slowest to leave', `${Math.round(slowest)} ms`, `≤ ${DRAIN_MS} ms`, slowest <= DRAIN_MS),
    none('processes and sockets left', left(rounds)),
  ];
}

/** What callers then have no answer of is lost with the process; what they have must be right all the same. */
export function killedRows(rounds: readonly LeavingRound[]): Row[] {
  const outcomes = allOutcomes(rounds);
  const answered = outcomes.get('200') ?? 0;
  const cut = [...outcomes].reduce((sum, [what, n]) => sum + (/^(lost|refused)/.test(what) ? n : 0), 0);
  return [
    row('SIGKILL under callers at work', outcomesText(outcomes), 'some answered', answered > 0),
    none('killed: neither answered right nor cut off', total(outcomes) - answered - cut, total(outcomes)),
    none('killed: processes that outlive it by 5 s, and sockets that stay', left(rounds)),
  ];
}

const left = (rounds: readonly LeavingRound[]): number =>
  rounds.reduce((sum, { orphans, sockets }) => sum + orphans.length + sockets, 0);
