/** Makes what a version consists of: orders for workers, hosted versions, remotes, runs apart; and gets to know it. */
import { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import { ApartRuns } from './apart-runs.ts';
import { type Examined, examine } from './examine.ts';
import { HostedVersion } from './hosted-version.ts';
import { openRemotes, type RemoteVersion } from './remote-version.ts';
import { WarmUpRun } from './run-times.ts';
import type { Scheduler } from './scheduler.ts';
import type { ScratchWorkers } from './scratch-workers.ts';
import { UNCONFIGURED } from './version-breaker.ts';
import type { InstanceGroup, VersionSpec } from './version-spec.ts';
import { versionPath, type WorkerClient } from './worker-client.ts';

export interface VersionPartsOptions {
  readonly cores: number;
  readonly scheduler: Scheduler;
  readonly events: Events;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  readonly lookEveryMs: number;
  /** Of a run of whose like nothing was learned, ms; longer where its version may take longer. */
  readonly hungAfterMs: number;
}

export interface Weighed extends Examined {
  /** How far one instance, loaded and warm, made its scratch worker grow. */
  readonly instanceBytes: number;
}

/** Batches at once on one GPU. */
const GPU_PERMITS = 1;

export class VersionParts {
  readonly #options: VersionPartsOptions;
  #generation = 0;

  constructor(options: VersionPartsOptions) {
    this.#options = options;
  }

  /** Empty where only remotes run it: no file, or no instance is wanted. */
  groups({ instances, remotes = [], content }: VersionSpec): readonly InstanceGroup[] {
    if (remotes.length > 0 && (content.file === '' || instances.length === 0)) return [];
    if (instances.length > 0) return instances;
    return [{ kind: 'cpu', count: this.#options.cores, intraOpThreads: 1, device: 0 }];
  }

  /** Not watched yet. Rejects with `invalid` where a file of one cannot be read. */
  openRemotes(spec: VersionSpec): Promise<RemoteVersion[]> {
    const { model, version, remotes = [], breaker = UNCONFIGURED } = spec;
    const { scheduler, events, random, lookEveryMs } = this.#options;
    const longestRunMs = spec.longestRunMs ?? this.#hungAfterMsOf(spec);
    const options = { model, version, breaker, scheduler, events, random, lookEveryMs, longestRunMs };
    return openRemotes(remotes, options);
  }

  /** As `examine`, in a process of its own; rejects with `model-failed`, too, when the model takes that down. */
  async examine(spec: VersionSpec, scratch: ScratchWorkers): Promise<Weighed> {
    let doing = 'loading';
    const job = async (client: WorkerClient): Promise<Weighed> => {
      const order = this.#order(spec, { ...(this.groups(spec)[0] as InstanceGroup), count: 1 });
      const before = await client.rssBytes();
      await client.load(spec.model, order);
      doing = 'running a sample';
      const path = versionPath(spec.model, order.version);
      const signature = await client.metadata(path);
      const examined = await examine(execution => client.infer(path, execution), signature, spec);
      const instanceBytes = Math.max(0, (await client.rssBytes()) - before);
      await client.unload(spec.model, order.version);
      return { ...examined, instanceBytes };
    };
    const died = (reason: string): GatewayError =>
      new GatewayError('model-failed', `the model took its worker process down (${reason}) while ${doing}`);
    return scratch.use(({ client }) => job(client), died);
  }

  hostedVersion(spec: VersionSpec, group: InstanceGroup, { warmUp, warmed }: Examined): HostedVersion {
    const { model, version, longestRunMs } = spec;
    const { scheduler, cores, random } = this.#options;
    const cpu = group.kind === 'cpu';
    const device = cpu ? 'cpu' : `gpu:${group.device}`;
    if (!cpu) scheduler.setCapacity(device, GPU_PERMITS);
    // More threads than cores still are a run at a time.
    const weight = cpu ? Math.min(group.intraOpThreads, cores) : 1;
    const order = this.#order(spec, group);
    const runs = warmUp.map((execution, at) => new WarmUpRun(execution, at < warmed.length));
    return new HostedVersion({
      model,
      version,
      order,
      device,
      weight,
      warmUp: runs,
      longestRunMs,
      hungAfterMs: this.#hungAfterMsOf(spec),
      scheduler,
      breaker: spec.breaker ?? UNCONFIGURED,
      random,
    });
  }

  apartRuns(spec: VersionSpec, { kind, warmUp }: HostedVersion, workers: ScratchWorkers): ApartRuns {
    const group = { ...(this.groups(spec)[0] as InstanceGroup), count: 1 };
    return new ApartRuns({
      model: spec.model,
      kind,
      order: () => this.#order(spec, group),
      workers,
      sample: warmUp[0],
      hungAfterMs: this.#hungAfterMsOf(spec),
    });
  }

  /** Each order has a generation of its own: replaced content never meets what it replaces on a worker. */
  #order({ version, content }: VersionSpec, group: InstanceGroup): LoadOrder {
    return {
      version: `${version}.g${++this.#generation}`,
      file: content.file,
      sha256: content.sha256,
      externalData: content.externalData,
      kind: group.kind,
      device: group.device,
      instances: group.count,
      intraOpThreads: group.intraOpThreads,
    };
  }

  /** Of a run of whose like nothing was learned, ms. */
  #hungAfterMsOf({ longestRunMs = 0 }: VersionSpec): number {
    return Math.max(this.#options.hungAfterMs, longestRunMs);
  }
}
