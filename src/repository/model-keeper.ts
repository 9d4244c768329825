import type { ModelConfig } from '../config/model-options.ts';
import type { Events } from '../events.ts';
import { type CatalogModel, specOf, type VersionEntry } from './catalog-entry.ts';
import type { RepositoryModel } from './repository-snapshot.ts';
import { type Closable, VersionKeeper, type VersionLoader } from './version-keeper.ts';
import { ascending, keepRouting, namedVersions, wantedVersions } from './version-policy.ts';

/** What is to become of a model. */
export type ModelTarget =
  | { readonly kind: 'serve'; readonly model: RepositoryModel; readonly again: boolean }
  /** Taken from service by hand; its versions stay listed. */
  | { readonly kind: 'unload' }
  /** No longer in the repository. */
  | { readonly kind: 'gone' };

/**
 * One model on its way to its newest target. A target that arrives while another is being worked on is taken up
 * after it, the newest one only. Versions no longer wanted leave when the wanted ones have settled, and stay as
 * long as no wanted one is ready, so that there is always something that answers.
 */
export class ModelKeeper<L extends Closable> {
  readonly #name: string;
  readonly #loader: VersionLoader<L>;
  readonly #events: Events;
  readonly #versions = new Map<string, VersionKeeper<L>>();
  #published: CatalogModel<L>;
  #next: ModelTarget | undefined;
  /** The one that is being worked on, or was last. */
  #target: ModelTarget | undefined;
  #working: Promise<void> | undefined;
  #reported = '';
  #ignored = '';
  #gone = false;

  constructor(model: RepositoryModel, loader: VersionLoader<L>, events: Events) {
    this.#name = model.name;
    this.#loader = loader;
    this.#events = events;
    const { name, config, origins, unsupported, classLabels } = model;
    this.#published = { name, config, origins, unsupported, classLabels, problem: '', versions: new Map() };
  }

  /** As of now: a new object after every change. */
  get model(): CatalogModel<L> {
    return this.#published;
  }

  /** True from the moment the repository no longer has it. */
  get isGone(): boolean {
    return this.#gone;
  }

  aim(target: ModelTarget): void {
    this.#next = target;
    this.#gone = target.kind === 'gone';
    this.#working ??= this.#work();
  }

  /** Resolves when there is nothing left to do. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async #work(): Promise<void> {
    for (let target = this.#next; target !== undefined; target = this.#next) {
      this.#next = undefined;
      this.#target = target;
      if (target.kind === 'serve') await this.#serve(target.model, target.again);
      else await this.#leave(target.kind === 'gone' ? 'removed' : 'unloaded');
    }
    this.#working = undefined;
  }

  async #serve(model: RepositoryModel, again: boolean): Promise<void> {
    if (model.problem !== undefined) return this.#refuse(model.problem);
    const first = this.#versions.size === 0;
    const before = first ? undefined : this.#published.config;
    if (first) this.#adopt(model, model.config);
    this.#tellIgnored(model.unsupported.join(', '));
    const available = model.versions.map(({ version }) => version);
    const wanted = new Set(wantedVersions(model.config, available));
    await Promise.all(
      model.versions
        .filter(({ version }) => wanted.has(version))
        .map(version => this.#keeper(version.version).become(specOf(model, version), version.problem, again)),
    );
    const routing = keepRouting(
      before,
      model.config,
      version => this.#versions.get(version)?.isReady === true,
    );
    this.#adopt(model, routing.config);
    this.#refuse(routing.refused.join('; '));
    await this.#retireUnwanted(wanted, new Set(available), namedVersions(routing.config));
  }

  /** A version that is still on disk waits until a wanted one is ready. */
  async #retireUnwanted(wanted: Set<string>, onDisk: Set<string>, named: Set<string>): Promise<void> {
    const served = [...wanted].some(version => this.#versions.get(version)?.isReady === true);
    const leaving = [...this.#versions].filter(([version, keeper]) => {
      if (wanted.has(version)) return false;
      if (!onDisk.has(version)) return true;
      return !keeper.isReady || (served && !named.has(version));
    });
    await Promise.all(leaving.map(([version, keeper]) => this.#drop(version, keeper, 'removed')));
  }

  async #drop(version: string, keeper: VersionKeeper<L>, reason: string): Promise<void> {
    await keeper.retire(reason);
    this.#versions.delete(version);
    this.#publish({});
  }

  async #leave(reason: 'removed' | 'unloaded'): Promise<void> {
    this.#refuse('');
    await Promise.all([...this.#versions.values()].map(keeper => keeper.retire(reason)));
    if (reason === 'removed') this.#versions.clear();
    this.#publish({});
  }

  #keeper(version: string): VersionKeeper<L> {
    const existing = this.#versions.get(version);
    if (existing !== undefined) return existing;
    const keeper = new VersionKeeper<L>(
      this.#loader,
      (entry, refused) => this.#changed(version, entry, refused),
      () => this.#tryAgain(),
    );
    this.#versions.set(version, keeper);
    return keeper;
  }

  /** A newer target tries it anyway. */
  #tryAgain(): void {
    if (this.#next === undefined && this.#target?.kind === 'serve')
      this.aim({ ...this.#target, again: false });
  }

  #changed(version: string, entry: VersionEntry<L>, refused: string): void {
    this.#publish({});
    if (refused !== '') {
      this.#events.emit('config:refused', { source: `${this.#name}/${version}`, message: refused });
      return;
    }
    const reason = entry.state === 'UNAVAILABLE' ? entry.reason : '';
    this.#events.emit('version:changed', { model: this.#name, version, state: entry.state, reason });
  }

  /** The same problem is told once, however often the folder is looked at. */
  #refuse(problem: string): void {
    if (problem !== this.#published.problem) this.#publish({ problem });
    if (problem !== '' && problem !== this.#reported) {
      this.#events.emit('config:refused', { source: this.#name, message: problem });
    }
    this.#reported = problem;
  }

  #tellIgnored(message: string): void {
    if (message !== '' && message !== this.#ignored) {
      this.#events.emit('config:ignored', { source: this.#name, message });
    }
    this.#ignored = message;
  }

  #adopt({ origins, unsupported, classLabels }: RepositoryModel, config: ModelConfig): void {
    this.#publish({ config, origins, unsupported, classLabels });
  }

  #publish(change: Partial<CatalogModel<L>>): void {
    const versions = new Map<string, VersionEntry<L>>();
    for (const version of ascending([...this.#versions.keys()])) {
      const keeper = this.#versions.get(version);
      if (keeper !== undefined) versions.set(version, keeper.entry);
    }
    this.#published = { ...this.#published, ...change, versions };
  }
}
