import { parseModelConfig } from '../../src/config/model-config.ts';
import { GatewayError } from '../../src/errors.ts';
import { createEvents } from '../../src/events.ts';
import { Catalog } from '../../src/repository/catalog.ts';
import type { CatalogSpec } from '../../src/repository/catalog-entry.ts';
import type { RepositoryModel, RepositorySnapshot } from '../../src/repository/repository-snapshot.ts';

/** What a test loads: it says in `log` when it closes. */
export interface FakeVersion {
  readonly id: string;
  close(): Promise<void>;
}

/** A catalog whose loads and closes the test can hold and fail; ids are `model/version@content`. */
export class FakeLoader {
  readonly log: string[] = [];
  /** Ids whose load or close waits until `release`. */
  readonly held = new Map<string, PromiseWithResolvers<void>>();
  readonly broken = new Set<string>();
  /** As broken, for want of something that may come. */
  readonly missing = new Set<string>();
  readonly events = createEvents();
  readonly catalog: Catalog<FakeVersion>;
  loading = 0;
  mostLoading = 0;
  #seen = Promise.withResolvers<void>();

  constructor(concurrency = 2, rescan?: () => Promise<RepositorySnapshot>) {
    const load = (spec: CatalogSpec) => this.#load(spec);
    this.catalog = new Catalog({ load, events: this.events, concurrency, ...(rescan && { rescan }) });
    this.events.on('version:changed', ({ model, version, state }) =>
      this.#note(`${model}/${version} ${state}`),
    );
    this.events.on('config:ignored', ({ source, message }) => this.#note(`${source} ignored: ${message}`));
    this.events.on('config:refused', ({ source, message }) => this.#note(`${source} refused: ${message}`));
  }

  hold(what: string): void {
    this.held.set(what, Promise.withResolvers());
  }

  release(what: string): void {
    this.held.get(what)?.resolve();
    this.held.delete(what);
  }

  /** Resolves when the log holds this line. */
  async logged(line: string): Promise<void> {
    while (!this.log.includes(line)) await this.#seen.promise;
  }

  /** The ids that serve, as requests find them. */
  serving(model: string): string[] {
    const versions = [...(this.catalog.get(model)?.versions.values() ?? [])];
    return versions.flatMap(entry => (entry.state === 'READY' ? [entry.loaded.id] : []));
  }

  async #load({ model, version, sha256 }: CatalogSpec): Promise<FakeVersion> {
    const id = `${model}/${version}@${sha256}`;
    this.mostLoading = Math.max(this.mostLoading, ++this.loading);
    this.#note(`load ${id}`);
    await this.held.get(`load ${id}`)?.promise;
    this.loading--;
    if (this.missing.has(id)) throw new GatewayError('unavailable', `${id} is missing`, { retryAfterMs: 1 });
    if (this.broken.has(id)) throw new GatewayError('model-failed', `${id} is broken`);
    return { id, close: () => this.#close(id) };
  }

  async #close(id: string): Promise<void> {
    this.#note(`close ${id}`);
    await this.held.get(`close ${id}`)?.promise;
    this.#note(`closed ${id}`);
  }

  #note(line: string): void {
    this.log.push(line);
    this.#seen.resolve();
    this.#seen = Promise.withResolvers();
  }
}

/** A repository of models, each a configuration and `version: content`. */
export function snapshotOf(
  models: Readonly<
    Record<
      string,
      {
        config?: string;
        versions: Readonly<Record<string, string>>;
        problem?: string;
        unsupported?: string[];
      }
    >
  >,
): RepositorySnapshot {
  const entries = Object.entries(models).map(
    ([name, { config = '', versions, problem, unsupported = [] }]): [string, RepositoryModel] => [
      name,
      {
        ...{ name, declared: undefined, classLabels: new Map() },
        ...parseModelConfig(config, `models/${name}/config.yaml`),
        unsupported,
        versions: Object.entries(versions).map(([version, content]) => ({
          ...{
            version,
            file: `/models/${name}/${version}/model.onnx`,
            sha256: content,
            bytes: 1,
            externalData: [],
          },
          problem: content === 'truncated' ? 'the file ends too early' : '',
        })),
        ...(problem === undefined ? {} : { problem }),
      },
    ],
  );
  return { models: new Map(entries) };
}
