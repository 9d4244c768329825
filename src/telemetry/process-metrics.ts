/** The gateway's own process as metrics: its event loop's delay, memory and CPU time, and what it is. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

const RESOLUTION_MS = 20;

type LoopDelay = ReturnType<typeof monitorEventLoopDelay>;

/** Watches the event loop until `close`. */
export class ProcessMetrics {
  readonly #delay: LoopDelay;

  constructor(registry: Registry, buildVersion: string) {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
    registerLoopDelay(registry, this.#delay);
    registerMemory(registry);
    registerTimes(registry);
    new Gauge({
      name: 'headgate_build_info',
      help: 'Always 1; the labels say which Headgate this is and on which Node it runs.',
      labelNames: ['version', 'node'],
      registers: [registry],
    }).set({ version: buildVersion, node: process.versions.node }, 1);
  }

  close(): void {
    this.#delay.disable();
  }
}

function registerLoopDelay(registry: Registry, delay: LoopDelay): void {
  // Node records the time between two timer runs, so an idle loop reads as the resolution: it is taken off.
  const seconds = (ns: number) => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1e3);
  new Gauge({
    name: 'headgate_event_loop_delay_seconds',
    help: "How late the gateway's event loop ran its timers since the last scrape.",
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const quantile of [50, 99, 100])
        this.set({ quantile: quantile / 100 }, delay.count === 0 ? 0 : seconds(delay.percentile(quantile)));
      delay.reset();
    },
  });
}

function registerMemory(registry: Registry): void {
  new Gauge({
    name: 'headgate_process_memory_bytes',
    help: "The gateway process's memory: resident, the JavaScript heap in use, and buffers outside it.",
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
      this.set({ kind: 'resident' }, rss);
      this.set({ kind: 'heap' }, heapUsed);
      this.set({ kind: 'buffers' }, arrayBuffers);
    },
  });
}

function registerTimes(registry: Registry): void {
  new Counter({
    name: 'headgate_process_cpu_seconds_total',
    help: "CPU time of the gateway process, its workers' not included.",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'headgate_process_start_time_seconds',
    help: 'When the gateway process started, s since the epoch.',
    registers: [registry],
  }).set(performance.timeOrigin / 1e3);
}
