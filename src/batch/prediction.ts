/** When a request would be answered, and whether that is too late. Pure. */
import { type Economy, serviceMs } from './batch-economy.ts';
import type { LatencyPoint } from './latency-points.ts';

export interface Outlook {
  /** In front of the request. */
  readonly waitingRows: number;
  readonly rows: number;
  /** Workers that are free. */
  readonly free: number;
  /** Until the first of those that run should end, ms. */
  readonly soonestMs: number;
  /** Rows that come meanwhile and go first, as they lately did. */
  readonly overtakingPerMs: number;
  /** Rows that all workers together get done. */
  readonly allPerMs: number;
  readonly points: readonly LatencyPoint[];
  readonly economy: Economy;
}

/** Of what the workers do, what is left to the least urgent where the more urgent take all: so they wait, but can be foreseen. */
const LEAST_SHARE = 0.01;

/** From now until the answer, ms; 0 when nothing is known. */
export function predictedMs(outlook: Outlook): number {
  const { waitingRows, rows, free, soonestMs, allPerMs, overtakingPerMs, points, economy } = outlook;
  const { kneeRows } = economy;
  const ownMs = serviceMs(points, Math.min(kneeRows, (waitingRows % kneeRows) + rows));
  if (Number.isNaN(ownMs)) return 0;
  const rowsPerMs = Math.max(LEAST_SHARE * allPerMs, allPerMs - overtakingPerMs);
  const batchesAhead = Math.floor(waitingRows / kneeRows);
  const firstMs = free > 0 && waitingRows === 0 ? 0 : soonestMs;
  return firstMs + (batchesAhead * kneeRows) / rowsPerMs + ownMs;
}

/** What so many workers would do if nothing else kept them from it: not the gateway, nor other work on their cores. */
export function possibleRowsPerMs(points: readonly LatencyPoint[], kneeRows: number, total: number): number {
  return (Math.max(1, total) * kneeRows) / serviceMs(points, kneeRows);
}

/**
 * How long the caller should wait before a request that needs so long could be answered within `budgetMs`, ms;
 * undefined when it can be now.
 */
export function hopelessForMs(neededMs: number, budgetMs: number): number | undefined {
  return neededMs <= budgetMs ? undefined : Math.max(1, Math.ceil(neededMs - budgetMs));
}
