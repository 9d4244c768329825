/** When a circuit breaker opens and for how long: the decisions alone, without state or time. */

/** What ended within the window; calls that say nothing are not among them. */
export interface Counts {
  readonly calls: number;
  readonly failures: number;
  /** Calls that succeeded, and took too long. */
  readonly slow: number;
}

export interface SlowCalls {
  /** A call that takes longer is slow, ms. */
  readonly callMs: number;
  /** Of the calls of a window, above 0 … 1: as many slow ones open it. */
  readonly share: number;
}

export interface Thresholds {
  /** Of the calls of a window, 0 … 1: as many failures open it; 0: any. */
  readonly failureShare: number;
  /** Calls without which a window says nothing. */
  readonly leastCalls: number;
  /** Absent: calls may take as long as they like. */
  readonly slow?: SlowCalls | undefined;
}

/** Why it should open; undefined when it should not. */
export function verdictOf(counts: Counts, thresholds: Thresholds): string | undefined {
  const { calls, failures, slow } = counts;
  const { failureShare, leastCalls } = thresholds;
  if (calls < leastCalls) return undefined;
  if (failures > 0 && failures >= failureShare * calls) return `${failures} of ${calls} runs failed`;
  if (thresholds.slow === undefined || slow === 0 || slow < thresholds.slow.share * calls) return undefined;
  return `${slow} of ${calls} runs took longer than ${thresholds.slow.callMs} ms`;
}

/** A breaker stays open for no longer, ms. */
export const MAX_OPEN_MS = 300_000;

/**
 * How long it stays open the nth time in a row, ms: twice as long each time, half to one and a half times that by
 * `random` in [0, 1), so that not all try at once; `maxMs` at most.
 */
export function openTimeMs(nth: number, openMs: number, maxMs: number, random: number): number {
  const doubled = Math.min(maxMs, openMs * 2 ** Math.min(nth - 1, 30));
  return Math.min(maxMs, doubled * (0.5 + random));
}

/** Having stayed closed for so long, it begins again with its first open time. */
export function hasRecovered(closedForMs: number, lastOpenForMs: number, windowMs: number): boolean {
  return closedForMs >= Math.max(lastOpenForMs, windowMs);
}
