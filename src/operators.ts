/** What operators see of the gateway, and what they can do to it: the service behind the admin plane, and the metrics. */
import type { AdminService, WantedBreaker } from './admin/service.ts';
import type { LoadedGatewayConfig } from './config/gateway-config.ts';
import { describeGatewayConfig } from './config/gateway-config.ts';
import { GatewayError } from './errors.ts';
import type { Events } from './events.ts';
import { learnedRows, modelRows, pressureView, workerRows } from './operator-tables.ts';
import { PressureWatch } from './overload/pressure-watch.ts';
import type { Pool } from './pool/pool.ts';
import type { Pressure } from './pressure.ts';
import type { Catalog } from './repository/catalog.ts';
import type { ResultStores } from './result-stores.ts';
import type { ServingVersion } from './serving-version.ts';
import { Metrics } from './telemetry/metrics.ts';
import { VERSION } from './version.ts';
import { breakerRows, type HeldBreakers } from './version-breakers.ts';

export interface OperatorsParts {
  /** What both planes offer. */
  readonly gateway: Pick<AdminService, 'isReady' | 'statistics' | 'index' | 'load' | 'unload'>;
  readonly catalog: Catalog<ServingVersion>;
  readonly pool: Pool;
  readonly stores: ResultStores;
  readonly heldBreakers: HeldBreakers;
  readonly pressure: Pressure;
  readonly config: () => LoadedGatewayConfig;
  readonly events: Events;
}

/** Counts events and watches for pressure from when it is made until `close`. */
export class Operators implements AdminService {
  readonly #parts: OperatorsParts;
  readonly #metrics: Metrics;
  readonly #pressureWatch: PressureWatch;

  constructor(parts: OperatorsParts) {
    const { events, pressure, stores } = parts;
    this.#parts = parts;
    this.#pressureWatch = new PressureWatch(pressure, events);
    this.#metrics = new Metrics(events, {
      buildVersion: VERSION,
      queuedRows: () => this.#queuedRows(),
      breakers: () => this.breakers(),
      pressure: () => this.pressure(),
      limits: () => this.#limits(),
      caches: { kept: () => this.#caches(), dropped: () => stores.store.dropped },
    });
  }

  close(): void {
    this.#pressureWatch.close();
    this.#metrics.close();
  }

  isReady(): boolean {
    return this.#parts.gateway.isReady();
  }

  statistics(model?: string, version?: string) {
    return this.#parts.gateway.statistics(model, version);
  }

  index(readyOnly: boolean) {
    return this.#parts.gateway.index(readyOnly);
  }

  load(model: string, config: string | undefined): Promise<void> {
    return this.#parts.gateway.load(model, config);
  }

  unload(model: string): Promise<void> {
    return this.#parts.gateway.unload(model);
  }

  models() {
    return modelRows(this.#parts.catalog.list());
  }

  learned() {
    return learnedRows(this.#parts.catalog.list());
  }

  workers() {
    const { pool } = this.#parts;
    return workerRows(pool.view(), pool.remotes());
  }

  breakers() {
    return breakerRows(this.#serving());
  }

  setBreaker(model: string, version: string, wanted: WantedBreaker): void {
    const entry = this.#model(model).versions.get(version);
    if (entry?.state !== 'READY') {
      throw new GatewayError('not-found', `model "${model}" has no version ${version} that is ready`);
    }
    this.#parts.heldBreakers.set(model, version, entry.loaded.unit.executor, wanted);
  }

  pressure() {
    return pressureView(this.#parts.pressure, this.#pressureWatch.strain);
  }

  config(): unknown {
    return describeGatewayConfig(this.#parts.config());
  }

  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  /**
   * Drops what is kept of a model, or of one of its versions, here and in the shared cache; how many results that were
   * here. Rejects with `not-found`, or `unavailable` when the shared cache could not be told.
   */
  async purge(model: string, version: string | undefined): Promise<number> {
    this.#model(model);
    const { store, shared } = this.#parts.stores;
    // First there: until it is told, what is missing here would be found there again.
    const told = shared?.purge(model, version).then(
      () => true,
      () => false,
    );
    const isTold = (await told) ?? true;
    const purged = store.purge(model, version);
    if (!isTold) {
      throw new GatewayError(
        'unavailable',
        'purged here, but the shared cache could not be told: other gateways still have the results; try again',
      );
    }
    return purged;
  }

  #model(name: string) {
    const model = this.#parts.catalog.get(name);
    if (model === undefined) throw unknownModel(name);
    return model;
  }

  *#queuedRows() {
    for (const { model, version, loaded } of this.#serving()) {
      yield { model, version, rows: loaded.batcher.queuedRows };
    }
  }

  *#limits() {
    for (const { model, version, loaded } of this.#serving()) {
      for (const limit of loaded.unit.executor.limits()) yield { model, version, ...limit };
    }
  }

  *#caches() {
    for (const { model, version, loaded } of this.#serving()) {
      const { shelf, answers } = loaded.cached ?? {};
      if (shelf === undefined) continue;
      const stepsAside = answers?.mode === 'aside';
      yield { model, version, bytes: shelf.bytes, results: shelf.size, stepsAside };
    }
  }

  *#serving() {
    for (const { name, versions } of this.#parts.catalog.list()) {
      for (const [version, entry] of versions) {
        if (entry.state === 'READY') yield { model: name, version, loaded: entry.loaded };
      }
    }
  }
}

/** As Triton says it. */
export function unknownModel(name: string): GatewayError {
  return new GatewayError('not-found', `Request for unknown model: '${name}' is not found`);
}
