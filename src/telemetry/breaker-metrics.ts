/** Whether versions may be asked on their workers, as numbers. */
import { Gauge, type Registry } from 'prom-client';
import type { BreakerChanged } from '../events.ts';

export type BreakerReading = Pick<BreakerChanged, 'model' | 'version' | 'worker' | 'state'>;

const STATE_VALUE: Record<BreakerReading['state'], number> = { closed: 0, trying: 1, open: 2 };

/** Readings are taken at each scrape. */
export function registerBreakers(registry: Registry, breakers: () => Iterable<BreakerReading>): void {
  new Gauge({
    name: 'headgate_breaker_state',
    help: 'The breaker of a version on one worker: 0 closed, 1 trying, 2 open.',
    labelNames: ['model', 'version', 'worker'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, version, worker, state } of breakers())
        this.set({ model, version, worker }, STATE_VALUE[state]);
    },
  });
}
