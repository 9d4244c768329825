/** The states of a supervised worker, which may follow which, and how long to wait before starting it again. */
import type { WorkerClient } from './worker-client.ts';
import type { WorkerProcess } from './worker-process.ts';

export type WorkerState =
  | { readonly kind: 'starting'; readonly process: WorkerProcess }
  | {
      readonly kind: 'ready';
      readonly process: WorkerProcess;
      readonly client: WorkerClient;
      /** On the `performance.now()` clock. */
      readonly sinceMs: number;
    }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'closed' };

type Kind = WorkerState['kind'];

const MAY_FOLLOW: Readonly<Record<Kind, readonly Kind[]>> = {
  starting: ['ready', 'waiting', 'closed'],
  ready: ['waiting', 'closed'],
  waiting: ['starting', 'closed'],
  closed: [],
};

export function assertTransition(from: Kind, to: Kind): void {
  if (!MAY_FOLLOW[from].includes(to)) throw new Error(`this is a bug: a ${from} worker became ${to}`);
}

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 30_000;
/** What stayed up for this long is well. */
export const HEALTHY_AFTER_MS = 30_000;
/**
 * A worker that was ready for this long starts again with no memory of earlier deaths: what kills it is not that it is
 * started, and waiting would only cost answers.
 */
export const FORGIVEN_AFTER_MS = 3000;

/**
 * Milliseconds before the nth restart in a row (from 0). The first is immediate; then they double, spread over
 * 0.5 to 1.5 times by `random` in [0, 1), so that workers felled by one cause do not come back as one.
 */
export function restartDelayMs(deathsBefore: number, random: number): number {
  if (deathsBefore === 0) return 0;
  const doubled = FIRST_DELAY_MS * 2 ** Math.min(deathsBefore - 1, 20);
  return Math.min(MAX_DELAY_MS, doubled) * (0.5 + random);
}
