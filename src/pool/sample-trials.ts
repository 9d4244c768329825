import { permittedRun } from './bring-up.ts';
import type { HostedVersion } from './hosted-version.ts';
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
    const { client: clientOf, runs, scheduler } = this.#options;
    const [client, sample] = [clientOf(), this.#hosted.warmUp[0]];
    if (client === undefined || sample === undefined) throw workerGoneBefore();
    const watched = runs.begin(undefined);
    try {
      return (await permittedRun(this.#hosted, client, scheduler, 0, NEVER)(sample)).roundTripMs;
    } finally {
      runs.end(watched);
    }
  }

  /** Of one instance after the other. Without a sample, whether the worker has the version. */
  async try(): Promise<void> {
    const { client: clientOf, runs, lost } = this.#options;
    const client = clientOf();
    if (client === undefined) throw workerGoneBefore();
    const watched = runs.begin(undefined);
    try {
      await this.#tryOn(client);
    } catch (error) {
      if (isWorkerGone(error)) lost();
      throw error;
    } finally {
      runs.end(watched);
    }
  }

  async #tryOn(client: WorkerClient): Promise<void> {
    const { scheduler, slowMs } = this.#options;
    const [sample] = this.#hosted.warmUp;
    if (sample === undefined) return void (await client.metadata(this.#hosted.path));
    const instance = this.#tried++ % this.#hosted.total;
    const { roundTripMs } = await permittedRun(this.#hosted, client, scheduler, instance, NEVER)(sample);
    if (roundTripMs > slowMs) throw new Error('the sample takes too long');
  }
}
