/** What every worker of one pool has in common. */
import type { Events } from '../events.ts';
import type { Scheduler } from './scheduler.ts';
import type { Spares } from './spares.ts';

export interface WorkerSettings {
  /** Where the process of a worker that serves comes from. */
  readonly spares: Spares;
  /** Rows may have to run apart within so many ms: `ScratchWorkers.prepare`. */
  readonly prepareApart: (withinMs: number) => void;
  readonly events: Events;
  readonly scheduler: Scheduler;
  readonly log: (worker: string, line: string) => void;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Bounds loading and warming one version; after it the worker counts as hung. */
  readonly loadTimeoutMs: number;
  /** A process that holds more is killed. */
  readonly maxMemoryBytes: number;
  /** How often, and for how long, a worker is asked how it is. */
  readonly lookEveryMs: number;
}

/** From a broken connection to the exit event of the process that broke it, at most. */
export const DEATH_NOTICE_MS = 1000;
