/** Subjects measured in pairs: each in fresh processes, in an order that turns round with every pair. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Saturated, type Saturation, saturate } from '../support/saturate.ts';
import type { Server } from '../support/server.ts';
import { measurePairs } from './pairs.ts';
import type { Bench } from './row.ts';

export interface Subject {
  readonly name: string;
  readonly load: Saturation;
  /** Warms up over so many connections first: one alone hardly gets code compiled. */
  readonly warmupConnections?: number;
  start(folder: string): Promise<Server>;
}

/** The share of the measuring time that warms up first; a second at least where so long is measured at full scale. */
const WARMUP_SHARE = 0.5;

/** For each pair, what each subject did with its load, by name; `alongside` measures what is no server. */
export async function measureSubjects(
  bench: Bench,
  what: string,
  subjects: readonly Subject[],
  alongside?: (pair: number) => Promise<void>,
): Promise<Record<string, Saturated>[]> {
  return await measurePairs(bench, async (pair, name) => {
    const found: Record<string, Saturated> = {};
    for (const subject of pair % 2 === 0 ? subjects : [...subjects].reverse()) {
      bench.progress(`${what} ${name} ${subject.name}`);
      const folder = path.join(bench.folder, `${what}-${subject.name}-${pair}`.replaceAll(' ', '-'));
      found[subject.name] = await measureOne(bench, subject, folder);
    }
    await alongside?.(pair);
    return found;
  });
}

/** One side's value ÷ the other's, in each pair. */
export function ratios(
  pairs: readonly Readonly<Record<string, Saturated>>[],
  above: string,
  below: string,
  pick: (side: Saturated) => number,
): number[] {
  const value = (pair: Readonly<Record<string, Saturated>>, name: string) => {
    const side = pair[name];
    return side === undefined ? Number.NaN : pick(side);
  };
  return pairs.map(pair => value(pair, above) / value(pair, below));
}

async function measureOne(bench: Bench, subject: Subject, folder: string): Promise<Saturated> {
  const { load, start, warmupConnections } = subject;
  await mkdir(folder, { recursive: true });
  await using server = await start(folder);
  const seconds = load.seconds * bench.scale;
  if (warmupConnections !== undefined) {
    await saturate(server, { ...load, connections: warmupConnections, seconds: Math.max(1, seconds) });
  }
  // Awaited here: the server ends with this function.
  return await saturate(server, {
    ...load,
    seconds,
    warmupSeconds: Math.max(Math.min(1, load.seconds), seconds * WARMUP_SHARE),
  });
}
