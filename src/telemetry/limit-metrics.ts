/** How many batches workers may have at once, as numbers. */
import { Gauge, type Registry } from 'prom-client';

/** Of one version on one worker. */
export interface LimitReading {
  readonly model: string;
  readonly version: string;
  readonly worker: string;
  readonly batches: number;
}

/** Readings are taken at each scrape. */
export function registerLimits(registry: Registry, limits: () => Iterable<LimitReading>): void {
  new Gauge({
    name: 'headgate_concurrency_limit',
    help: 'Batches of a version that one worker may have at once: as configured, or fewer while they take too long.',
    labelNames: ['model', 'version', 'worker'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, version, worker, batches } of limits())
        this.set({ model, version, worker }, batches);
    },
  });
}
