import { ConfigError } from '../config/config-error.ts';
import { parseConfigOverride } from '../config/config-override.ts';
import type { TritonModelConfig } from '../config/triton-config.ts';
import { GatewayError } from '../errors.ts';
import type { Events, VersionState } from '../events.ts';
import type { CatalogModel, CatalogSpec } from './catalog-entry.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { ModelKeeper } from './model-keeper.ts';
import type { RepositoryModel, RepositorySnapshot } from './repository-snapshot.ts';
import type { Closable, VersionLoader } from './version-keeper.ts';
import { wantedVersions } from './version-policy.ts';

export interface CatalogOptions<L extends Closable> {
  /**
   * Resolves when the version can answer. Rejects with a GatewayError whose message may stand in the index; one that is
   * `unavailable` and says `retryAfterMs` is tried again by itself.
   */
  readonly load: (spec: CatalogSpec, signal: AbortSignal) => Promise<L>;
  readonly events: Events;
  /** Versions loaded at once, over all models. Default 2. */
  readonly concurrency?: number;
  /** In [0, 1), for jitter; absent: `Math.random`. */
  readonly random?: () => number;
  /** Looks at the repository now, for `load`: what was copied a moment ago counts. Absent: the last snapshot holds. */
  readonly rescan?: () => Promise<RepositorySnapshot>;
}

/** An entry of the repository index; `version` is '' for a model of which no version is known. */
export interface CatalogIndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: VersionState;
  readonly reason: string;
}

/**
 * What is loaded, brought after what the repository says. It owns every `L` it was given: each is closed exactly
 * once, after its replacement serves or when its version leaves. Models settle independently of each other; what
 * fails leaves what served before, with the reason in the index. Ends with `close`.
 */
export class Catalog<L extends Closable> {
  readonly #options: CatalogOptions<L>;
  readonly #loader: VersionLoader<L>;
  readonly #closing = new AbortController();
  readonly #keepers = new Map<string, ModelKeeper<L>>();
  readonly #unloaded = new Set<string>();
  readonly #overrides = new Map<string, TritonModelConfig>();
  #snapshot: RepositorySnapshot = { models: new Map() };

  constructor(options: CatalogOptions<L>) {
    this.#options = options;
    const limit = new ConcurrencyLimit(options.concurrency ?? 2);
    const { load, random = Math.random } = options;
    this.#loader = { load, limit, signal: this.#closing.signal, random };
  }

  /** Resolves when every model has settled: ready, failed or left. Never rejects. */
  async apply(snapshot: RepositorySnapshot): Promise<void> {
    this.#adopt(snapshot);
    await this.#settled();
  }

  get(model: string): CatalogModel<L> | undefined {
    const keeper = this.#keepers.get(model);
    return keeper === undefined || keeper.isGone ? undefined : keeper.model;
  }

  /** By name. */
  list(): CatalogModel<L>[] {
    const names = [...this.#keepers.keys()].sort();
    return names.flatMap(name => this.get(name) ?? []);
  }

  index(readyOnly: boolean): CatalogIndexEntry[] {
    const names = [...this.#keepers.keys()].sort();
    const entries = names.flatMap(name => indexEntries((this.#keepers.get(name) as ModelKeeper<L>).model));
    return readyOnly ? entries.filter(entry => entry.state === 'READY') : entries;
  }

  /**
   * Loads a model by hand, again if it failed before, with `configJson` in place of its file until the next load.
   * Resolves when its wanted versions are ready; rejects with `not-found`, `invalid` or `unavailable`.
   */
  async load(model: string, configJson?: string): Promise<void> {
    const { rescan } = this.#options;
    if (rescan !== undefined) this.#adopt(await rescan());
    const found = this.#snapshot.models.get(model);
    if (found === undefined) throw notFound(model);
    const override = configJson === undefined ? undefined : parseOverride(configJson, model);
    if (override === undefined) this.#overrides.delete(model);
    else this.#overrides.set(model, override);
    this.#unloaded.delete(model);
    this.#aim(model, true);
    await this.#keepers.get(model)?.settled();
    this.#demandReady(model);
  }

  /** Takes a model from service until `load`. Resolves when its requests have finished; rejects with `not-found`. */
  async unload(model: string): Promise<void> {
    const keeper = this.#keepers.get(model);
    if (keeper === undefined || keeper.isGone) throw notFound(model);
    this.#unloaded.add(model);
    this.#aim(model, false);
    await keeper.settled();
  }

  /** Closes everything that was loaded, after its requests have finished. Loads in progress are aborted. */
  async close(): Promise<void> {
    this.#closing.abort(new GatewayError('unavailable', 'the server is stopping'));
    for (const keeper of this.#keepers.values()) keeper.aim({ kind: 'unload' });
    await this.#settled();
  }

  #adopt(snapshot: RepositorySnapshot): void {
    this.#snapshot = snapshot;
    // A model that left takes along what was said of it by hand: what comes under its name is another one.
    for (const said of [this.#unloaded, this.#overrides]) {
      for (const name of said.keys()) if (!snapshot.models.has(name)) said.delete(name);
    }
    for (const name of new Set([...snapshot.models.keys(), ...this.#keepers.keys()])) this.#aim(name, false);
  }

  #aim(name: string, again: boolean): void {
    if (this.#closing.signal.aborted) return;
    const model = this.#modelNow(name);
    if (model === undefined) return void this.#keepers.get(name)?.aim({ kind: 'gone' });
    const keeper = this.#keepers.get(name) ?? new ModelKeeper<L>(model, this.#loader, this.#options.events);
    this.#keepers.set(name, keeper);
    keeper.aim(this.#unloaded.has(name) ? { kind: 'unload' } : { kind: 'serve', model, again });
  }

  /** The model as the repository has it, or as the last load request wants it. */
  #modelNow(name: string): RepositoryModel | undefined {
    const model = this.#snapshot.models.get(name);
    const override = this.#overrides.get(name);
    if (model === undefined || override === undefined) return model;
    const { problem: _, ...servable } = model;
    const { config, origins, unsupported, declared } = override;
    return { ...servable, config, origins, unsupported, declared, classLabels: labelsOf(override, model) };
  }

  async #settled(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map(keeper => keeper.settled()));
    for (const [name, keeper] of this.#keepers) {
      if (keeper.isGone && keeper.model.versions.size === 0) this.#keepers.delete(name);
    }
  }

  #demandReady(name: string): void {
    const model = this.#modelNow(name);
    const now = this.#keepers.get(name)?.model;
    if (model === undefined || now === undefined) throw notFound(name);
    if (model.problem !== undefined) throw new GatewayError('invalid', `model '${name}': ${model.problem}`);
    const available = model.versions.map(({ version }) => version);
    for (const version of wantedVersions(model.config, available)) {
      const reason = failureOf(now, version);
      if (reason !== '')
        throw new GatewayError('unavailable', `model '${name}' version ${version}: ${reason}`);
    }
  }
}

function failureOf<L>(model: CatalogModel<L>, version: string): string {
  const entry = model.versions.get(version);
  if (entry?.state === 'READY') return entry.refused;
  return entry?.state === 'UNAVAILABLE' ? entry.reason : 'not ready';
}

function indexEntries<L>({ name, versions, problem }: CatalogModel<L>): CatalogIndexEntry[] {
  if (versions.size === 0)
    return [{ name, version: '', state: 'UNAVAILABLE', reason: problem || 'no version' }];
  return [...versions].map(([version, entry]) => {
    const own = entry.state === 'READY' ? entry.refused : entry.state === 'UNAVAILABLE' ? entry.reason : '';
    return { name, version, state: entry.state, reason: own || problem };
  });
}

function parseOverride(json: string, model: string): TritonModelConfig {
  try {
    return parseConfigOverride(json, model);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new GatewayError('invalid', `parameter 'config': ${error.message}`);
  }
}

/** A load request names no files: labels it does not list itself are the ones the folder says. */
function labelsOf(
  override: TritonModelConfig,
  model: RepositoryModel,
): ReadonlyMap<string, readonly string[]> {
  const labels = new Map(model.classLabels);
  for (const [output, given] of Object.entries(override.config.classLabels)) {
    if (typeof given !== 'string') labels.set(output, given);
  }
  return labels;
}

function notFound(model: string): GatewayError {
  return new GatewayError('not-found', `model '${model}' is not in the repository`);
}
