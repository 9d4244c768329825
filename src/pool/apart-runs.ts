import { setTimeout as sleep } from 'node:timers/promises';
import type { Execution, ExecutionResult, Slot } from '../inference.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import { allowedMs, RunWatch } from './run-watch.ts';
import { ProcessLost, type Scratch, type ScratchWorkers } from './scratch-workers.ts';
import { versionPath } from './worker-client.ts';
import { isWorkerGone, workerGone, workerGoneBefore } from './worker-failure.ts';

export interface ApartRunsOptions {
  readonly model: string;
  readonly kind: string;
  /** A new one each time: of one instance. */
  readonly order: () => LoadOrder;
  readonly workers: ScratchWorkers;
  /** Run once in each new process: the first run takes longer than any after it. */
  readonly sample: Execution | undefined;
  /** How long a run may take of whose like nothing was learned, ms. */
  readonly hungAfterMs: number;
}

type Grant = (slot: Slot) => void;
type RunOne = (execution: Execution, usualMs: number | undefined) => Promise<ExecutionResult>;

/** How long a process that has the version loaded waits for more to run, ms. */
const LINGER_MS = 200;
/** Runs after which it makes room for other versions. */
const MOST_RUNS = 64;
const HANGS = 'the run hangs';
const LEAST_SLOW_MS = 50;
const UNKNOWN_SLOW_MS = 1000;

/**
 * Runs what may take its process down in a process where nothing else runs: one run at a time, for one version. Such a
 * process is started and loaded when somebody asks, and serves until nobody does or a run took it down.
 */
export class ApartRuns {
  readonly #options: ApartRunsOptions;
  readonly #waiting: Grant[] = [];
  #arrived = Promise.withResolvers<void>();
  #works = false;

  constructor(options: ApartRunsOptions) {
    this.#options = options;
  }

  /** As `Executor.acquireApart`. Where no process can be had, the slot's run rejects with `worker-failed`, not run. */
  acquire(grant: Grant): () => void {
    this.#waiting.push(grant);
    this.#arrived.resolve();
    if (!this.#works) void this.#work();
    return () => {
      const at = this.#waiting.indexOf(grant);
      if (at >= 0) this.#waiting.splice(at, 1);
    };
  }

  async #work(): Promise<void> {
    this.#works = true;
    while (this.#waiting.length > 0) {
      try {
        await this.#options.workers.use(scratch => this.#serve(scratch), workerGone);
      } catch (error) {
        // Before anybody was served; what a run took down its caller has heard of.
        if (!(error instanceof ProcessLost))
          this.#waiting.shift()?.(new ApartSlot(this.#options.kind, () => unable(error)));
      }
    }
    this.#works = false;
  }

  async #serve(scratch: Scratch): Promise<void> {
    const { client } = scratch;
    const { model, kind, sample } = this.#options;
    const order = this.#options.order();
    await client.load(model, order);
    const path = versionPath(model, order.version);
    if (sample !== undefined) await client.infer(path, sample);
    // Each run is watched by itself.
    scratch.ready();
    // In one that stands behind the next would be starved, and taken for one that hangs.
    for (let runs = 0; runs < MOST_RUNS && !scratch.isBehind; runs++) {
      const grant = await this.#next();
      if (grant === undefined) break;
      const slot = new ApartSlot(kind, (execution, usualMs) => this.#run(scratch, path, execution, usualMs));
      grant(slot);
      const error = await slot.ended;
      if (isWorkerGone(error)) throw new ProcessLost(isHung(error));
    }
    // One that stands behind ends with the job: it would unload only when nobody else computes, and others wait for it.
    if (!scratch.isBehind) await client.unload(model, order.version);
  }

  async #next(): Promise<Grant | undefined> {
    if (this.#waiting.length === 0) {
      this.#arrived = Promise.withResolvers<void>();
      const waited = new AbortController();
      const linger = sleep(LINGER_MS, undefined, { signal: waited.signal }).catch(() => undefined);
      await Promise.race([this.#arrived.promise, linger]);
      waited.abort();
    }
    return this.#waiting.shift();
  }

  /** The process of one that hangs is killed when the job ends; until that is known it takes no time from others. */
  async #run(
    scratch: Scratch,
    path: string,
    execution: Execution,
    usualMs: number | undefined,
  ): Promise<ExecutionResult> {
    const { promise: hung, reject } = Promise.withResolvers<never>();
    const watch = new RunWatch(() => performance.now(), { hangs: () => reject(workerGone(HANGS)) });
    const watched = watch.begin(allowedMs(usualMs, this.#options.hungAfterMs));
    const slow = setTimeout(() => scratch.standBehind(), slowAfterMs(usualMs));
    try {
      return await Promise.race([scratch.client.infer(path, execution), hung]);
    } finally {
      clearTimeout(slow);
      watch.end(watched);
    }
  }
}

class ApartSlot implements Slot {
  readonly kind: string;
  /** Resolves, when it has run or was released, to what the run failed with. */
  readonly ended: Promise<unknown>;
  readonly #end: (error: unknown) => void;
  readonly #run: RunOne;

  constructor(kind: string, run: RunOne) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.kind = kind;
    this.ended = promise;
    this.#end = resolve;
    this.#run = run;
  }

  async execute(execution: Execution, usualMs?: number): Promise<ExecutionResult> {
    const result = this.#run(execution, usualMs);
    result.then(() => this.#end(undefined), this.#end);
    return result;
  }

  release(): void {
    this.#end(undefined);
  }

  yieldNext(): boolean {
    return false;
  }
}

/** Twice as long as usual is suspicious in what may hang; of what is usual nothing may be known. */
function slowAfterMs(usualMs: number | undefined): number {
  return usualMs === undefined ? UNKNOWN_SLOW_MS : Math.max(LEAST_SLOW_MS, 2 * usualMs);
}

function isHung(error: unknown): boolean {
  return error instanceof Error && error.cause === HANGS;
}

async function unable(cause: unknown): Promise<never> {
  throw workerGoneBefore(cause);
}
