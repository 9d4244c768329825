import { RetryBudget } from './batch/retry-budget.ts';
import type { LoadedGatewayConfig } from './config/gateway-config.ts';
import { modelConfigJson } from './config/triton-json.ts';
import { GatewayError } from './errors.ts';
import type { Events } from './events.ts';
import { type Answerer, behindItsOwn, fallbackOf, misfitOf, submitOr } from './fallback.ts';
import type { DataPlaneService, IndexEntry, Target } from './http/service.ts';
import { Operators, unknownModel } from './operators.ts';
import { Pool, type PoolOptions } from './pool/pool.ts';
import { Pressure } from './pressure.ts';
import { Catalog } from './repository/catalog.ts';
import type { CatalogModel } from './repository/catalog-entry.ts';
import type { RepositorySnapshot } from './repository/repository-snapshot.ts';
import { type RepositoryWatch, watchRepository } from './repository/watch.ts';
import { type ResultStores, resultStores } from './result-stores.ts';
import { chooseVersion } from './route/choose-version.ts';
import { ServingVersion } from './serving-version.ts';
import { Statistics } from './telemetry/statistics.ts';
import { HeldBreakers } from './version-breakers.ts';

type Model = CatalogModel<ServingVersion>;

export interface GatewayOptions {
  /** Runs each request as it came instead of joining requests: for a worker behind another gateway. */
  readonly joinsRequests: boolean;
  readonly pool: PoolOptions;
}

/**
 * The gateway without its ports: the models, the workers, and the path from a request to a batch.
 *
 * The path of one inference: `target` chooses the version that answers (route), the data plane decodes the request
 * against that version's signature, `Target.submit` puts it into the version's batcher, which runs it on the pool
 * with others and splits the result.
 *
 * Life: `start` brings up the workers and everything the models folder holds, and follows the folder from then on;
 * `close` comes after the data plane has answered what it accepted, and ends the workers.
 */
export class Gateway implements DataPlaneService {
  /** What operators see and do. */
  readonly operators: Operators;
  #loadedConfig: LoadedGatewayConfig;
  readonly #events: Events;
  readonly #stores: ResultStores;
  readonly #pool: Pool;
  readonly #catalog: Catalog<ServingVersion>;
  readonly #statistics: Statistics;
  /** Targets by what was asked, each good as long as its model is as it was. Emptied when any version changes. */
  readonly #targets = new Map<string, { readonly of: Model; readonly target: Target }>();
  /** By model. */
  readonly #retryBudgets = new Map<string, RetryBudget>();
  /** Fallbacks that do not fit, told once each. */
  readonly #misfits = new Set<string>();
  readonly #heldBreakers = new HeldBreakers();
  readonly #pressure = new Pressure();
  #watch: RepositoryWatch | undefined;
  #state: 'starting' | 'serving' | 'closing' = 'starting';

  constructor(loaded: LoadedGatewayConfig, options: GatewayOptions, events: Events) {
    this.#loadedConfig = loaded;
    this.#events = events;
    const { joinsRequests } = options;
    this.#stores = resultStores(loaded.config.cache, events);
    this.#pool = new Pool(options.pool, events);
    this.#statistics = new Statistics(events);
    this.#catalog = new Catalog({
      load: async spec => {
        const { model, version } = spec;
        const retryBudget = this.#retryBudgetOf(model);
        const options = { joinsRequests, stores: this.#stores, retryBudget, pressure: this.#pressure };
        const serving = await ServingVersion.load(spec, options, this.#pool, events);
        this.#heldBreakers.loaded(model, version, serving.unit.executor);
        return serving;
      },
      events,
      concurrency: loaded.config.workers.cpuCores,
      rescan: () => this.#following().rescan(),
    });
    this.operators = new Operators({
      gateway: this,
      catalog: this.#catalog,
      pool: this.#pool,
      stores: this.#stores,
      heldBreakers: this.#heldBreakers,
      pressure: this.#pressure,
      config: () => this.#loadedConfig,
      events,
    });
    events.on('version:changed', () => this.#targets.clear());
  }

  /**
   * Resolves when every model on disk is ready or known to be broken. Rejects when no worker can be started, and
   * with `unavailable` when it is closed meanwhile.
   */
  async start(): Promise<void> {
    await this.#pool.start();
    if (this.isDraining()) throw new GatewayError('unavailable', 'the gateway is closing');
    const { repository } = this.#loadedConfig.config;
    const settled = Promise.withResolvers<void>();
    const onError = ({ message }: Error) =>
      this.#events.emit('config:refused', { source: repository, message });
    const apply = (snapshot: RepositorySnapshot) =>
      this.#catalog.apply(snapshot).then(settled.resolve, settled.reject);
    this.#watch = watchRepository(repository, apply, { onError });
    await this.#watch.first;
    await settled.promise;
    if (this.isDraining()) throw new GatewayError('unavailable', 'the gateway is closing');
    this.#state = 'serving';
  }

  /** Takes a changed configuration; keys that need a restart keep their old effect. */
  reconfigure(loaded: LoadedGatewayConfig): void {
    this.#loadedConfig = loaded;
  }

  /** Call when the data plane has answered what it accepted: what still runs or loads is given up. */
  async close(): Promise<void> {
    this.#state = 'closing';
    await this.#watch?.close();
    // Together, not in turn: a load under way ends only with its worker.
    await Promise.all([this.#catalog.close(), this.#pool.close()]);
    this.#stores.shared?.close();
    this.operators.close();
  }

  /** Ends the workers now; what runs is lost. */
  async abandon(): Promise<void> {
    this.#state = 'closing';
    await this.#pool.close();
  }

  // The path.

  target(model: string, version: string | undefined): Target {
    const of = this.#model(model);
    const key = version === undefined ? model : `${model}/${version}`;
    const known = this.#targets.get(key);
    if (known?.of === of) return known.target;
    const target = this.#route(of, version);
    this.#targets.set(key, { of, target });
    return target;
  }

  #route(model: Model, asked: string | undefined): Target {
    const { config, classLabels } = model;
    const { version, route, serving } = answering(model, asked);
    const { unit } = serving;
    return {
      model: model.name,
      version,
      route,
      signature: unit.signature,
      maxBatchSize: unit.maxBatchSize,
      timeoutMs: config.timeoutMs,
      maxTimeoutMs: config.maxTimeoutMs,
      priorityLevels: config.priorityLevels,
      classLabels,
      caches: serving.cached?.shelf !== undefined,
      rowTolerance: serving.cached?.rowTolerance,
      submit: this.#submitTo(model, { model: model.name, version, unit, submit: one => serving.submit(one) }),
    };
  }

  /** With what answers in its place when it cannot, where that is configured and fits. */
  #submitTo({ config }: Model, one: Answerer): Target['submit'] {
    const named = fallbackOf(one, config);
    const model = named && this.#catalog.get(named.model);
    const other = model && this.#answererOf(model, named.version);
    if (model === undefined || other === undefined) return one.submit;
    const misfit = misfitOf(one.unit, other.unit);
    if (misfit === undefined) return submitOr(one, behindItsOwn(other, model.config, config));
    const message = `fallback: ${other.model} version ${other.version} cannot answer for version ${one.version}: ${misfit}`;
    if (!this.#misfits.has(message)) this.#events.emit('config:ignored', { source: one.model, message });
    this.#misfits.add(message);
    return one.submit;
  }

  /** Undefined while it cannot answer. */
  #answererOf(model: Model, asked: string | undefined): Answerer | undefined {
    try {
      const { version, serving } = answering(model, asked);
      return { model: model.name, version, unit: serving.unit, submit: one => serving.submit(one) };
    } catch {
      return undefined;
    }
  }

  // What can be asked without running a model.

  isDraining(): boolean {
    return this.#state === 'closing';
  }

  takesConnections(): boolean {
    return !this.#pressure.isOff('connections');
  }

  isReady(): boolean {
    if (this.#state !== 'serving') return false;
    const nowMs = performance.now();
    const { requiredModels } = this.#loadedConfig.config;
    const required =
      requiredModels?.map(name => this.#catalog.get(name)) ?? this.#catalog.list().filter(wasHealthy);
    return required.every(model => model !== undefined && canAnswer(model, nowMs));
  }

  readyVersions(model: string): readonly string[] {
    const { versions } = this.#model(model);
    return [...versions.keys()]
      .filter(version => versions.get(version)?.state === 'READY')
      .sort((a, b) => Number(a) - Number(b));
  }

  modelConfig(name: string, version: string | undefined): Record<string, unknown> {
    const { signature, maxBatchSize, caches } = this.target(name, version);
    return modelConfigJson({ name, config: this.#model(name).config, signature, maxBatchSize, caches });
  }

  statistics(model?: string, version?: string): readonly Record<string, unknown>[] {
    if (model === undefined) return this.#statistics.render();
    if (version === undefined) this.#model(model);
    return this.#statistics.render(
      model,
      version === undefined ? undefined : this.target(model, version).version,
    );
  }

  index(readyOnly: boolean): readonly IndexEntry[] {
    return this.#catalog.index(readyOnly);
  }

  load(model: string, config: string | undefined): Promise<void> {
    return this.#catalog.load(model, config);
  }

  unload(model: string): Promise<void> {
    return this.#catalog.unload(model);
  }

  #model(name: string): Model {
    const model = this.#catalog.get(name);
    if (model === undefined) throw unknownModel(name);
    return model;
  }

  #retryBudgetOf(model: string): RetryBudget {
    let budget = this.#retryBudgets.get(model);
    if (budget === undefined) {
      budget = new RetryBudget(performance.now());
      this.#retryBudgets.set(model, budget);
    }
    return budget;
  }

  #following(): RepositoryWatch {
    if (this.#watch === undefined) throw new GatewayError('unavailable', 'the gateway is starting');
    return this.#watch;
  }
}

/** The version that answers, and how it was chosen. Throws `not-found` or `unavailable`. */
function answering({ name, config, versions }: Model, asked: string | undefined) {
  const stable = config.stable === undefined ? undefined : String(config.stable);
  const labels = new Map(Object.entries(config.labels).map(([label, to]) => [label, String(to)]));
  const { version, route } = chooseVersion({ name, versions, stable, labels }, asked);
  const entry = versions.get(version);
  if (entry?.state !== 'READY') throw new Error('this is a bug: a version was chosen that cannot answer');
  return { version, route, serving: entry.loaded };
}

/** The version that answers by default is ready, and has a worker or will soon have one again. */
function canAnswer(model: Model, nowMs: number): boolean {
  try {
    return answering(model, undefined).serving.hasWorkers(nowMs);
  } catch {
    return false;
  }
}

/** Has a version that is ready: what broke while loading does not keep the gateway from being ready. */
function wasHealthy({ versions }: Model): boolean {
  for (const { state } of versions.values()) if (state === 'READY') return true;
  return false;
}
