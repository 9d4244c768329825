/** What caches keep and drop, and how the one that gateways share does, as numbers. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../events.ts';

/** What is kept of one version. */
export interface KeptResults {
  readonly model: string;
  readonly version: string;
  readonly bytes: number;
  readonly results: number;
  /** Only what was seen before is looked at: all would cost more than it saves. */
  readonly stepsAside: boolean;
}

export interface CacheReadings {
  readonly kept: () => Iterable<KeptResults>;
  /** Results that had to make room since the start. */
  readonly dropped: () => number;
}

/** Readings are taken at each scrape; events are counted from now on. */
export function registerCaches(registry: Registry, { kept, dropped }: CacheReadings, events: Events): void {
  const gauge = (name: string, help: string, valueFor: (one: KeptResults) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['model', 'version'],
      registers: [registry],
      collect() {
        this.reset();
        for (const one of kept()) this.set({ model: one.model, version: one.version }, valueFor(one));
      },
    });
  gauge('headgate_cache_bytes', 'Memory of the results that are kept.', one => one.bytes);
  gauge('headgate_cache_results', 'Results that are kept.', one => one.results);
  gauge(
    'headgate_cache_steps_aside',
    '1 while next to nothing is looked up, because that costs more than it saves.',
    one => Number(one.stepsAside),
  );
  new Counter({
    name: 'headgate_cache_dropped_total',
    help: 'Results that had to make room for others.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(dropped());
    },
  });
  registerShared(registry, events);
}

function registerShared(registry: Registry, events: Events): void {
  const up = new Gauge({
    name: 'headgate_shared_cache_up',
    help: '1 while the cache that gateways share is asked; absent without one.',
    registers: [registry],
  });
  up.reset();
  events.on('shared-cache:changed', ({ state }) =>
    up.set(state === 'connected' || state === 'closed' ? 1 : 0),
  );
  const refused = new Counter({
    name: 'headgate_shared_cache_refused_total',
    help: 'Values in the shared cache that no gateway wrote for their key.',
    registers: [registry],
  });
  events.on('shared-cache:refused', () => refused.inc());
}
