/** How fast groups of instances that should be alike run, and which of them is to be left out: decisions without state or time. */

/** A mean run time, ms, by batches of alike size: the exponent of two below their rows. */
export type MeanRuns = ReadonlyMap<number, number>;

export interface Runner {
  readonly means: MeanRuns;
  /** It can be asked: its worker has it, its breaker is closed, it is not ejected. */
  readonly serves: boolean;
}

/** Times slower than its peers. */
export const SLOW = 3;
/** The machine's own doing: nobody is slow for it, ms. */
const NOISE_MS = 1;
/** Weight of the newest run. */
const SMOOTHING = 0.2;

export class RunTimes {
  readonly means = new Map<number, number>();
  /** The sizes that ran since they were last cleared: of the others it may be long ago. */
  readonly fresh = new Set<number>();

  note(rows: number, ms: number): void {
    const bucket = Math.floor(Math.log2(Math.max(1, rows)));
    this.fresh.add(bucket);
    const mean = this.means.get(bucket);
    this.means.set(bucket, mean === undefined ? ms : mean + SMOOTHING * (ms - mean));
  }

  clear(): void {
    this.means.clear();
    this.fresh.clear();
  }
}

/**
 * How many times as long as the median of its peers it takes, over those of these sizes that it has in common with any;
 * 1: not known.
 */
export function paceOf(
  own: MeanRuns,
  peers: readonly MeanRuns[],
  buckets: Iterable<number> = own.keys(),
): number {
  let sum = 0;
  let sizes = 0;
  for (const bucket of buckets) {
    const ms = own.get(bucket);
    if (ms === undefined) continue;
    const usual = median(peers.flatMap(peer => peer.get(bucket) ?? []));
    if (usual === undefined) continue;
    sum += (ms + NOISE_MS) / (usual + NOISE_MS);
    sizes++;
  }
  return sizes === 0 ? 1 : sum / sizes;
}

/** At least so many of a version's groups serve, however slow. */
export function minHealthy(groups: number): number {
  return Math.max(1, Math.ceil(groups / 2));
}

/** Whether one may be left out that has been slow for as many sweeps. */
export function mayEject(slowSweeps: number, serving: number, groups: number): boolean {
  return slowSweeps >= SWEEPS && serving - 1 >= minHealthy(groups);
}

/** In a row, before one is left out. */
const SWEEPS = 5;

/** Undefined of nothing; of two the lower. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

/** Below it nobody's sample is too slow: the machine's pauses are as long, ms. */
const LEAST_BAND_MS = 5;

/**
 * Did its samples take no longer than its peers' do? Their mean counts, as callers' runs do: the fastest of a process that
 * runs only now and then says that it is well.
 */
export function mayReturn(tookMs: readonly number[], usualMs = Number.POSITIVE_INFINITY): boolean {
  const meanMs = tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
  return Number.isFinite(meanMs) && meanMs <= Math.max(LEAST_BAND_MS, SLOW * usualMs);
}
