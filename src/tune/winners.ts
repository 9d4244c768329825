/** Which setting wins, for throughput and under a latency; which ones are worth another look; which are on the front. */
import type { Figures } from './measured.ts';

/** Settings within this share of the best carry as much: the measurement cannot tell them apart. */
export const AS_GOOD = 0.97;

/**
 * The setting that carries most with its p99 within `sloMs`; of those that carry as much, the one with the lowest p99.
 * Undefined when none holds it.
 */
export function winner(figures: readonly Figures[], sloMs = Number.POSITIVE_INFINITY): Figures | undefined {
  const holding = figures.filter(({ p99Ms }) => p99Ms <= sloMs);
  const most = Math.max(...holding.map(({ rowsPerSecond }) => rowsPerSecond));
  const [best] = holding
    .filter(({ rowsPerSecond }) => rowsPerSecond >= AS_GOOD * most)
    .sort((a, b) => a.p99Ms - b.p99Ms || b.rowsPerSecond - a.rowsPerSecond);
  return best;
}

/** The `count` that carry most, and the two that carry most within each latency. */
export function survivors(
  figures: readonly Figures[],
  slosMs: readonly number[],
  count: number,
): readonly Figures[] {
  const byRate = [...figures].sort((a, b) => b.rowsPerSecond - a.rowsPerSecond);
  const kept = new Set(byRate.slice(0, count));
  for (const sloMs of slosMs) {
    for (const one of byRate.filter(({ p99Ms }) => p99Ms <= sloMs).slice(0, 2)) kept.add(one);
  }
  return [...kept];
}

/** Those that no other beats in both rate and p99, by rising p99. */
export function paretoFront(figures: readonly Figures[]): readonly Figures[] {
  const byLatency = [...figures].sort((a, b) => a.p99Ms - b.p99Ms || b.rowsPerSecond - a.rowsPerSecond);
  let most = Number.NEGATIVE_INFINITY;
  return byLatency.filter(({ rowsPerSecond }) => {
    const isHigher = rowsPerSecond > most;
    most = Math.max(most, rowsPerSecond);
    return isHigher;
  });
}
