import { permittedRun } from './bring-up.ts';
import type { HostedVersion } from './hosted-version.ts';
import type { TimedRun } from './run-times.ts';
import type { RunsUnderWay } from './runs-under-way.ts';
import type { Scheduler } from './scheduler.ts';
import type { WorkerClient } from './worker-client.ts';
import { isWorkerGone, workerGoneBefore } from './worker-failure.ts';

export interface SampleTrialsOptions {
  readonly scheduler: Scheduler;
  readonly runs: RunsUnderWay;
  /** A sample that takes longer has failed, ms. */
  readonly slowMs: number;
  /** Undefined while the version is not up. */
  readonly client: () => WorkerClient | undefined;
  /** A connection broke under one. */
  readonly lost: () => void;
}

const NEVER = new AbortController().signal;

/** Runs of a hosted version's own sample that are nobody's request: for its breaker, and for its pace. */
export class SampleTrials {
  readonly #hosted: HostedVersion;
  readonly #options: SampleTrialsOptions;
  #tried = 0;

  constructor(hosted: HostedVersion, options: SampleTrialsOptions) {
    this.#hosted = hosted;
    this.#options = options;
  }

  /** What the sample takes, ms. Rejects where there is none, or it fails. */
  async time(): Promise<number> {
    const [client, sample] = [this.#options.client(), this.#hosted.warmUp[0]];
    if (client === undefined || sample === undefined) throw workerGoneBefore();
    return (await this.#run(client, 0)(sample)).roundTripMs;
  }

  /** Of one instance after the other. Without a sample, whether the worker has the version. */
  async try(): Promise<void> {
    const { client: clientOf, lost } = this.#options;
    const client = clientOf();
    if (client === undefined) throw workerGoneBefore();
    try {
      await this.#tryOn(client);
    } catch (error) {
      if (isWorkerGone(error)) lost();
      throw error;
    }
  }

  async #tryOn(client: WorkerClient): Promise<void> {
    const [sample] = this.#hosted.warmUp;
    if (sample === undefined) return void (await client.metadata(this.#hosted.path));
    const { inferMs, roundTripMs } = await this.#run(client, this.#tried++ % this.#hosted.total)(sample);
    // The round trip also waits for callers' runs, and these may be why it is asked.
    if ((inferMs || roundTripMs) > this.#options.slowMs) throw new Error('the sample takes too long');
  }

  /** Watched like any run, from when it is sent: those sent after it may wait for it, those before must not. */
  #run(client: WorkerClient, instance: number): TimedRun {
    const { runs, scheduler } = this.#options;
    const began = (): (() => void) => {
      const watched = runs.begin(undefined);
      return () => runs.end(watched);
    };
    return permittedRun(this.#hosted, client, scheduler, instance, NEVER, began);
  }
}
