/**
 * All workers that serve: one for each device slot, shared by its versions, and those that one version has to itself,
 * which live and die with it. Knows where each version is hosted.
 */
import type { HostedVersion } from './hosted-version.ts';
import { SlotWorker, type WorkerView } from './slot-worker.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** Connections to a worker beyond those its runs need: loads, metadata, status. */
const CONTROL_CONNECTIONS = 4;

export class WorkerFleet {
  readonly #settings: WorkerSettings;
  readonly #slots = new Map<string, SlotWorker>();
  readonly #dedicated = new Set<SlotWorker>();
  readonly #homes = new Map<HostedVersion, SlotWorker>();

  constructor(settings: WorkerSettings) {
    this.#settings = settings;
  }

  /** The worker that a device's versions share; started when first asked for. */
  slot(device: string): SlotWorker {
    const worker = this.#slots.get(device) ?? this.#start(device, device);
    this.#slots.set(device, worker);
    return worker;
  }

  /** Resolves when the version takes work. */
  async host(hosted: HostedVersion, isolation: 'shared' | 'dedicated'): Promise<void> {
    const worker = isolation === 'shared' ? this.slot(hosted.device) : this.#dedicate(hosted);
    this.#settle(hosted, worker);
    await worker.host(hosted);
  }

  /** Lets what runs finish and frees the version's memory; a worker of its own goes with it. */
  async unhost(hosted: HostedVersion): Promise<void> {
    const worker = this.#homes.get(hosted);
    this.#homes.delete(hosted);
    await worker?.unhost(hosted);
    if (worker !== undefined && this.#dedicated.delete(worker)) await worker.close();
  }

  view(): WorkerView[] {
    return [...this.#slots.values(), ...this.#dedicated].map(worker => worker.view());
  }

  /** Kills them all; resolves when they are gone. */
  async close(): Promise<void> {
    await Promise.all([...this.#slots.values(), ...this.#dedicated].map(worker => worker.close()));
  }

  /** A version that took down a worker which others share gets one of its own. */
  #isolate(hosted: HostedVersion): void {
    this.#homes.get(hosted)?.abandon(hosted);
    const own = this.#dedicate(hosted);
    this.#settle(hosted, own);
    own.adopt(hosted);
    const { model, version } = hosted;
    this.#settings.log(own.name, `${model} version ${version} took a shared worker down and gets its own`);
  }

  #settle(hosted: HostedVersion, worker: SlotWorker): void {
    hosted.worker = worker.name;
    this.#homes.set(hosted, worker);
  }

  #dedicate(hosted: HostedVersion): SlotWorker {
    const worker = this.#start(`${hosted.device}/${hosted.model}/${hosted.order.version}`, hosted.device);
    this.#dedicated.add(worker);
    return worker;
  }

  #start(name: string, device: string): SlotWorker {
    const permits = this.#settings.scheduler.capacity(device);
    const connections = 2 * permits + CONTROL_CONNECTIONS;
    return new SlotWorker({ name, connections, blame: hosted => this.#isolate(hosted) }, this.#settings);
  }
}
