/** Whether sending the next batch now, while the one before it still runs, gains anything. Pure. */
import type { LatencyPoint } from './latency-points.ts';

/** A run this many times as long as the way there and back hardly grows during it. */
const LONG_RUN = 4;

/**
 * Sending ahead saves the engine the way there and back between two runs. It costs the rows that would have come in
 * that time: nothing when the batch is as large as it may become, little beside a long run.
 */
export function sendAheadPays(waitingRows: number, limitRows: number, running: LatencyPoint): boolean {
  return waitingRows >= limitRows || running.runMs >= LONG_RUN * running.overheadMs;
}
