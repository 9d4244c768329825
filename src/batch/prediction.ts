/** When a request would be answered, and whether that is too late. Pure. */
import { type Economy, serviceMs } from './batch-economy.ts';
import type { LatencyPoint } from './latency-points.ts';

export interface Outlook {
  /** In front of the request. */
  readonly waitingRows: number;
  readonly rows: number;
  /** Workers there are, and how many of them are free. */
  readonly total: number;
  readonly free: number;
  /** Until the first of those that run should end, ms. */
  readonly soonestMs: number;
  /** Rows that come meanwhile and go first, as they lately did. */
  readonly overtakingPerMs: number;
  /** As seen while all were busy; undefined when they have not been for long enough. */
  readonly seenRowsPerMs: number | undefined;
  readonly points: readonly LatencyPoint[];
  readonly economy: Economy;
}

/** Of what the workers do, what is left to the least urgent where the more urgent take all: so they wait, but can be foreseen. */
const LEAST_SHARE = 0.01;

/** From now until the answer, ms; 0 when nothing is known. */
export function predictedMs(outlook: Outlook): number {
  const { waitingRows, rows, total, free, soonestMs, seenRowsPerMs, overtakingPerMs, points, economy } =
    outlook;
  const { kneeRows } = economy;
  const fullMs = serviceMs(points, kneeRows);
  const ownMs = serviceMs(points, Math.min(kneeRows, (waitingRows % kneeRows) + rows));
  if (Number.isNaN(ownMs)) return 0;
  const allPerMs = seenRowsPerMs ?? (Math.max(1, total) * kneeRows) / fullMs;
  const rowsPerMs = Math.max(LEAST_SHARE * allPerMs, allPerMs - overtakingPerMs);
  const batchesAhead = Math.floor(waitingRows / kneeRows);
  const firstMs = free > 0 && waitingRows === 0 ? 0 : soonestMs;
  return firstMs + (batchesAhead * kneeRows) / rowsPerMs + ownMs;
}

/**
 * How long the caller should wait before a request that needs so long could be answered within `budgetMs`, ms;
 * undefined when it can be now.
 */
export function hopelessForMs(neededMs: number, budgetMs: number): number | undefined {
  return neededMs <= budgetMs ? undefined : Math.max(1, Math.ceil(neededMs - budgetMs));
}
