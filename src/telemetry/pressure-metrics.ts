/** How short of memory and time the gateway is, and what it does about it, as numbers. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../events.ts';

export interface PressureReading {
  readonly memoryShare: number;
  readonly loopDelayMs: number;
  readonly steps: readonly { readonly step: string; readonly isOff: boolean }[];
}

/** Readings are taken at each scrape. */
export function registerPressure(registry: Registry, read: () => PressureReading, events: Events): void {
  new Gauge({
    name: 'headgate_memory_used_ratio',
    help: 'Of the memory there is for the gateway, the part in use.',
    registers: [registry],
    collect() {
      this.set(read().memoryShare);
    },
  });
  new Gauge({
    name: 'headgate_pressure_step',
    help: '1 while this is given up for want of memory or time.',
    labelNames: ['step'],
    registers: [registry],
    collect() {
      for (const { step, isOff } of read().steps) this.set({ step }, isOff ? 1 : 0);
    },
  });
  const dropped = new Counter({
    name: 'headgate_connections_dropped_total',
    help: 'Connections that were closed unread, because there were as many as may be.',
    registers: [registry],
  });
  events.on('connection:dropped', () => dropped.inc());
}
