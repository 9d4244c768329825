/**
 * The pool: every worker process of this gateway and every version they host.
 *
 * Life: `start` makes the socket directory and the CPU slot's worker; `load` examines new content in a scratch
 * process, then loads and warms it on the workers of its slots; `close` kills them all. A slot's worker is shared by
 * its models; a version with `isolation: dedicated` gets a worker that lives and dies with it.
 */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import { ApartRuns } from './apart-runs.ts';
import { CoreBudget } from './core-budget.ts';
import { type Examined, examine } from './examine.ts';
import { examineRemotely } from './examine-remote.ts';
import { HostedVersion } from './hosted-version.ts';
import { defaultMemoryCap } from './memory-watch.ts';
import { RemoteApart } from './remote-apart.ts';
import { openRemotes, type RemoteVersion, type RemoteView } from './remote-version.ts';
import { WarmUpRun } from './run-times.ts';
import { repeated } from './sample-rows.ts';
import { Scheduler } from './scheduler.ts';
import { ScratchWorkers } from './scratch-workers.ts';
import type { Apart } from './serving-seats.ts';
import type { WorkerView } from './slot-worker.ts';
import { createSocketDirectory, sweepSocketDirectories } from './socket-directory.ts';
import { Spares } from './spares.ts';
import { UNCONFIGURED } from './version-breaker.ts';
import { VersionExecutor } from './version-executor.ts';
import type { InstanceGroup, LoadedVersion, MeasuredSize, VersionSpec } from './version-spec.ts';
import { versionPath, type WorkerClient } from './worker-client.ts';
import { WorkerFleet } from './worker-fleet.ts';
import { type WorkerCommand, WorkerProcess } from './worker-process.ts';
import type { WorkerSettings } from './worker-settings.ts';

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

interface Weighed extends Examined {
  /** How far one instance, loaded and warm, made its scratch worker grow. */
  readonly instanceBytes: number;
}

/** How far those that get to know new content stand behind those that serve. */
const NICER = 5;
/** Processes at once in which rows run apart. */
const MAX_APART = 2;
/** Batches at once on one GPU. */
const GPU_PERMITS = 1;

/** What there is between start and close. */
interface Parts {
  readonly directory: string;
  readonly spares: Spares;
  readonly scratch: ScratchWorkers;
  /** For rows that may take their process down. */
  readonly apart: ScratchWorkers;
  readonly fleet: WorkerFleet;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #events: Events;
  readonly #cores: number;
  readonly #scheduler = new Scheduler();
  readonly #coreBudget: CoreBudget;
  #parts: Parts | undefined;
  readonly #remotes = new Set<RemoteVersion>();
  #generation = 0;
  #closed = false;

  constructor(options: PoolOptions, events: Events) {
    this.#options = options;
    this.#events = events;
    this.#cores = options.cores ?? availableParallelism();
    this.#coreBudget = new CoreBudget(this.#cores, this.#scheduler);
  }

  /** Resolves when the CPU worker is ready for models; rejects when it cannot be started, or `close` came first. */
  async start(): Promise<void> {
    const { socketParent, log, random, niceness = 5, spares: standing = 0 } = this.#options;
    const { loadTimeoutMs, lookEveryMs, maxMemoryBytes } = this.#options;
    await sweepSocketDirectories(socketParent);
    this.#assertOpen();
    const directory = await createSocketDirectory(socketParent);
    if (this.#closed) await rm(directory, { recursive: true, force: true });
    this.#assertOpen();
    const start = this.#starter(directory);
    const spares = new Spares(standing, name => start(name, niceness));
    const settings: WorkerSettings = {
      spares,
      events: this.#events,
      scheduler: this.#scheduler,
      log: log ?? (() => undefined),
      random: random ?? Math.random,
      maxMemoryBytes: maxMemoryBytes ?? defaultMemoryCap(),
      loadTimeoutMs: loadTimeoutMs ?? 300_000,
      lookEveryMs: lookEveryMs ?? 5000,
    };
    this.#scheduler.setCapacity('cpu', this.#cores);
    if (this.#options.leavesCoreToGateway === true) this.#coreBudget.start();
    const fleet = new WorkerFleet(settings);
    const scratch = new ScratchWorkers('scratch', this.#cores, settings, () =>
      start('scratch', Math.min(19, niceness + NICER)),
    );
    const apart = new ScratchWorkers('apart', MAX_APART, settings, () => spares.takeSpared('apart'));
    this.#parts = { directory, fleet, spares, scratch, apart };
    try {
      await fleet.slot('cpu').firstStart;
      spares.fill();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Rejects with a GatewayError whose message says what is wrong with the version; nothing is left behind then. */
  async load(spec: VersionSpec): Promise<LoadedVersion> {
    const { fleet } = this.#running();
    const remotes = await this.#openRemotes(spec);
    const groups = this.#groups(spec);
    const hosted: HostedVersion[] = [];
    let stop = (): void => undefined;
    const unload = async (): Promise<void> => {
      stop();
      for (const { breaker, quarantine } of hosted) {
        breaker.shutDown();
        quarantine.stop();
      }
      await Promise.all([
        ...hosted.map(one => fleet.unhost(one)),
        ...remotes.map(one => this.#unloadRemote(one)),
      ]);
    };
    let examined: Weighed;
    try {
      examined =
        groups.length > 0
          ? await this.#examine(spec)
          : { ...(await examineRemotely(remotes, spec)), instanceBytes: 0 };
      hosted.push(...groups.map(group => this.#hostedVersion(spec, group, examined)));
      const results = await Promise.allSettled(hosted.map(one => fleet.host(one, spec.isolation)));
      const failed = results.find(result => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } catch (error) {
      await unload();
      throw error;
    }
    const { sample } = examined;
    const watched = remotes.map(one => one.watch(examined.signature, examined.warmUp[0]));
    // Beside instances of our own nobody waits for what may be unreachable.
    if (hosted.length === 0) await Promise.all(watched);
    const seats = [...hosted, ...remotes];
    const flow = this.#scheduler.flow();
    const apart: Apart =
      hosted[0] === undefined
        ? new RemoteApart(grant => executor.acquire(grant))
        : this.#apartRuns(spec, hosted[0]);
    const executor: VersionExecutor = new VersionExecutor(flow, seats, apart, this.#events);
    stop = () => executor.stop();
    return {
      signature: examined.signature,
      maxBatchSize: examined.maxBatchSize,
      deterministic: examined.deterministic,
      verification: examined.verification,
      warmed: examined.warmed,
      measured: hosted.flatMap(measuredSizes),
      sampleRun: sample && (rows => repeated(sample, rows)),
      kinds: [...new Set(seats.map(({ kind }) => kind))],
      executor,
      instances: seats.reduce((sum, { total }) => sum + total, 0),
      memoryBytes: examined.instanceBytes * hosted.reduce((sum, { total }) => sum + total, 0),
      contentSha256: spec.content.sha256,
      unload,
    };
  }

  async #openRemotes(spec: VersionSpec): Promise<RemoteVersion[]> {
    const { model, version, remotes = [], breaker = UNCONFIGURED } = spec;
    const opened = await openRemotes(remotes, {
      ...{ model, version, breaker, scheduler: this.#scheduler, events: this.#events },
      longestRunMs: spec.longestRunMs ?? this.#hungAfterMsOf(spec),
      random: this.#options.random ?? Math.random,
      lookEveryMs: this.#options.lookEveryMs ?? 5000,
    });
    for (const one of opened) this.#remotes.add(one);
    return opened;
  }

  async #unloadRemote(remote: RemoteVersion): Promise<void> {
    await remote.unload();
    this.#remotes.delete(remote);
  }

  remotes(): RemoteView[] {
    return [...this.#remotes].map(remote => remote.view());
  }

  view(): WorkerView[] {
    return this.#parts?.fleet.view() ?? [];
  }

  /** Kills every worker; what is in flight rejects. Resolves when they are gone and so is the directory. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#coreBudget.stop();
    for (const remote of this.#remotes) remote.close();
    if (this.#parts === undefined) return;
    const { spares, scratch, apart, fleet, directory } = this.#parts;
    await Promise.all([spares.close(), scratch.close(), apart.close(), fleet.close()]);
    await rm(directory, { recursive: true, force: true });
  }

  /** Of a run of whose like nothing was learned, ms. */
  #hungAfterMsOf({ longestRunMs = 0 }: VersionSpec): number {
    return Math.max(this.#options.hungAfterMs ?? 120_000, longestRunMs);
  }

  /** Starts processes that listen in this directory. */
  #starter(directory: string): (name: string, niceness: number) => WorkerProcess {
    const { workerCommand, niceness: ownNiceness = 5, readyTimeoutMs = 30_000 } = this.#options;
    const command = workerCommand ?? ownWorker(ownNiceness);
    let started = 0;
    return (name, niceness) => {
      const file = `${name.replaceAll(/[^\w.-]/g, '_').slice(0, 24)}-${started++}.sock`;
      return new WorkerProcess({ command, socketPath: path.join(directory, file), niceness, readyTimeoutMs });
    };
  }

  #apartRuns(spec: VersionSpec, hosted: HostedVersion | undefined): ApartRuns {
    const { apart } = this.#running();
    const group = { ...(this.#groups(spec)[0] as InstanceGroup), count: 1 };
    return new ApartRuns({
      model: spec.model,
      kind: hosted?.kind ?? group.kind,
      order: () => this.#order(spec, group),
      workers: apart,
      hungAfterMs: this.#hungAfterMsOf(spec),
    });
  }

  async #examine(spec: VersionSpec): Promise<Weighed> {
    const { scratch } = this.#running();
    let doing = 'loading';
    const job = async (client: WorkerClient): Promise<Weighed> => {
      const order = this.#order(spec, { ...(this.#groups(spec)[0] as InstanceGroup), count: 1 });
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
    return scratch.use(job, died);
  }

  #hostedVersion(spec: VersionSpec, group: InstanceGroup, { warmUp, warmed }: Examined): HostedVersion {
    const { model, version, longestRunMs } = spec;
    const cpu = group.kind === 'cpu';
    const device = cpu ? 'cpu' : `gpu:${group.device}`;
    if (!cpu) this.#scheduler.setCapacity(device, GPU_PERMITS);
    // More threads than cores still are a run at a time.
    const weight = cpu ? Math.min(group.intraOpThreads, this.#cores) : 1;
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
      scheduler: this.#scheduler,
      breaker: spec.breaker ?? UNCONFIGURED,
      random: this.#options.random ?? Math.random,
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

  /** Empty where only remotes run it: no file, or no instance is wanted. */
  #groups({ instances, remotes = [], content }: VersionSpec): readonly InstanceGroup[] {
    if (remotes.length > 0 && (content.file === '' || instances.length === 0)) return [];
    if (instances.length > 0) return instances;
    return [{ kind: 'cpu', count: this.#cores, intraOpThreads: 1, device: 0 }];
  }

  #running(): Parts {
    this.#assertOpen();
    if (this.#parts !== undefined) return this.#parts;
    throw notRunning();
  }

  #assertOpen(): void {
    if (this.#closed) throw notRunning();
  }
}

function measuredSizes({ kind, warmUp }: HostedVersion): MeasuredSize[] {
  return warmUp.flatMap(({ rows, inputs, measured, fastest }) => {
    if (!measured || fastest === undefined) return [];
    return [{ kind, rows, rowShapes: inputs.map(({ shape }) => shape.slice(1)), ...fastest }];
  });
}

function notRunning(): GatewayError {
  return new GatewayError('unavailable', 'the workers are not running');
}

/** The worker beside this file, in `src` as TypeScript and in `dist` as JavaScript. */
function ownWorker(niceness: number): WorkerCommand {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`../worker/main.${extension}`, import.meta.url));
  return { file: process.execPath, args: [entry, '--nice', String(niceness)] };
}
