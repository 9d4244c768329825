import type { WorkerCommand } from './worker-process.ts';

export interface PoolOptions {
  /** Permits of the CPU and the default number of instances; absent: the machine's. */
  readonly cores?: number;
  /** Keeps one core from models while this process is busy; absent: no. */
  readonly leavesCoreToGateway?: boolean;
  /** Starts a worker that listens on the `--socket` appended; absent: this package's own. */
  readonly workerCommand?: WorkerCommand | undefined;
  /** A worker's own output, line by line, shortened. */
  readonly log?: (worker: string, line: string) => void;
  /** Where the socket directory is made; absent: the system's temporary directory. */
  readonly socketParent?: string;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
  /** Of workers that serve, 0 to 19; those that examine new content get five more; absent: 5. */
  readonly niceness?: number;
  /** Processes that stand ready to replace one that dies; absent: none. */
  readonly spares?: number;
  /** A worker process that holds more memory is killed; absent: `defaultMemoryCap`. */
  readonly maxMemoryBytes?: number | undefined;
  readonly readyTimeoutMs?: number;
  /** Bounds examining a version, and loading and warming it on one worker. */
  readonly loadTimeoutMs?: number;
  /** How often a worker is asked how it is; one that says nothing three times is replaced; absent: five seconds. */
  readonly lookEveryMs?: number;
  /** A run that takes longer, and longer than its version may, hangs, and its worker is replaced; absent: two minutes. */
  readonly hungAfterMs?: number;
}
