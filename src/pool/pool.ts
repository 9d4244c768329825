/**
 * The pool: every worker process of this gateway and every version they host.
 *
 * Life: `start` makes the socket directory and the CPU slot's worker; `load` examines new content in a scratch
 * process, then loads and warms it on the workers of its slots; `close` kills them all. A slot's worker is shared by
 * its models; a version with `isolation: dedicated` gets a worker that lives and dies with it.
 */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import { CoreBudget } from './core-budget.ts';
import { examineRemotely } from './examine-remote.ts';
import type { HostedVersion } from './hosted-version.ts';
import { defaultMemoryCap } from './memory-watch.ts';
import type { PoolOptions } from './pool-options.ts';
import { RemoteApart } from './remote-apart.ts';
import type { RemoteVersion, RemoteView } from './remote-version.ts';
import { repeated } from './sample-rows.ts';
import { Scheduler } from './scheduler.ts';
import { ScratchWorkers } from './scratch-workers.ts';
import type { Apart } from './serving-seats.ts';
import type { WorkerView } from './slot-worker.ts';
import { createSocketDirectory, sweepSocketDirectories } from './socket-directory.ts';
import { Spares } from './spares.ts';
import { VersionExecutor } from './version-executor.ts';
import { VersionParts, type Weighed } from './version-parts.ts';
import type { LoadedVersion, MeasuredSize, VersionSpec } from './version-spec.ts';
import { WorkerFleet } from './worker-fleet.ts';
import type { WorkerSettings } from './worker-settings.ts';
import { workerStarter } from './worker-starter.ts';

export type { PoolOptions } from './pool-options.ts';

/** How far those that get to know new content stand behind those that serve. */
const NICER = 5;
/** Processes at once in which rows run apart. */
const MAX_APART = 2;

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
  readonly #versions: VersionParts;
  readonly #remotes = new Set<RemoteVersion>();
  #closed = false;

  constructor(options: PoolOptions, events: Events) {
    this.#options = options;
    this.#events = events;
    this.#cores = options.cores ?? availableParallelism();
    this.#coreBudget = new CoreBudget(this.#cores, this.#scheduler);
    const { random = Math.random, lookEveryMs = 5000, hungAfterMs = 120_000 } = options;
    const { scheduler, cores } = { scheduler: this.#scheduler, cores: this.#cores };
    this.#versions = new VersionParts({ cores, scheduler, events, random, lookEveryMs, hungAfterMs });
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
    const start = workerStarter(directory, this.#options);
    const spares = new Spares(standing, name => start(name, niceness));
    const settings: WorkerSettings = {
      spares,
      prepareApart: withinMs => apart.prepare(withinMs),
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
    const apart: ScratchWorkers = new ScratchWorkers('apart', MAX_APART, settings, () =>
      spares.takeSpared('apart'),
    );
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
    const remotes = await this.#versions.openRemotes(spec);
    for (const one of remotes) this.#remotes.add(one);
    const groups = this.#versions.groups(spec);
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
          ? await this.#versions.examine(spec, this.#running().scratch)
          : { ...(await examineRemotely(remotes, spec)), instanceBytes: 0 };
      hosted.push(...groups.map(group => this.#versions.hostedVersion(spec, group, examined)));
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
        : this.#versions.apartRuns(spec, hosted[0], this.#running().apart);
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
