/**
 * Pairs, measured again where the host meanwhile gave the machine's CPU time to others. Which pairs count is decided
 * by that time alone, never by what was measured.
 */

import { median } from '../support/median.ts';
import { readCpuTotals, stolenShare } from '../support/stolen-cpu.ts';
import type { Bench } from './row.ts';

/** Above it a figure compares moments of the machine as much as what is measured. */
export const NOTABLY_STOLEN = 0.03;

/** Of each 5 pairs 3 may be measured again: a row is to end some time, also on a host that never is calm. */
const REPEATS_PER_PAIR = 0.6;

export const repeatsFor = (pairs: number): number => Math.ceil(pairs * REPEATS_PER_PAIR);

/** The shares of the CPU time that the host gave to others in every pair, and which pairs count. */
export interface PairsKept {
  readonly stolen: readonly number[];
  /** Ascending indexes into `stolen`. */
  readonly kept: readonly number[];
}

/**
 * `bench.pairs` of them, and up to `bench.repeats` more while not enough were calm; the calmest, in the order in which
 * they were measured. `measure` gets the number of the pair, of which none comes twice, and how to call it.
 */
export async function measurePairs<Pair>(
  bench: Bench,
  measure: (pair: number, name: string) => Promise<Pair>,
  readCpu = readCpuTotals,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const stolen: number[] = [];
  while (stolen.length < bench.pairs + bench.repeats && calm(stolen) < bench.pairs) {
    const pair = stolen.length;
    const name =
      pair < bench.pairs ? `pair ${pair + 1}/${bench.pairs}` : `pair ${pair + 1}, for a disturbed one`;
    const before = readCpu();
    pairs.push(await measure(pair, name));
    stolen.push(stolenShare(before, readCpu()) ?? 0);
  }
  const kept = calmest(stolen, bench.pairs);
  bench.kept({ stolen, kept });
  return kept.map(index => pairs[index] as Pair);
}

/** One measurement, repeated like a pair. */
export async function measureCalmly<Measured>(
  bench: Bench,
  measure: () => Promise<Measured>,
): Promise<Measured> {
  const [measured] = await measurePairs({ ...bench, pairs: 1 }, measure);
  return measured as Measured;
}

/** The indexes of the `count` least shares, ascending; of equal ones the first. */
export function calmest(stolen: readonly number[], count: number): number[] {
  return stolen
    .map((_, index) => index)
    .sort((a, b) => (stolen[a] ?? 0) - (stolen[b] ?? 0) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

const calm = (stolen: readonly number[]): number => stolen.filter(share => share <= NOTABLY_STOLEN).length;

/** What the host did to a row, in words; empty when nothing was left out and what counts was calm. */
export function disturbance(all: readonly PairsKept[]): string {
  const kept = all.flatMap(pairs => pairs.kept.map(index => pairs.stolen[index] ?? 0));
  const measured = all.reduce((sum, { stolen }) => sum + stolen.length, 0);
  const most = Math.max(0, ...kept);
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const left =
    measured === kept.length
      ? ''
      : `the host disturbed pairs: the calmest ${kept.length} of ${measured} count`;
  const restless = `in those that count the host gave ${percent(median(kept))} of the CPU time to others, ${percent(most)} at most`;
  return [left, most > NOTABLY_STOLEN ? restless : ''].filter(text => text !== '').join('; ');
}
