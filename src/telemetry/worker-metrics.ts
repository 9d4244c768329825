/** Workers as numbers: how many are up, and how often one was started again. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DeathCause, Events, WorkerChanged } from '../events.ts';

/** Names of workers that ended are kept to tell a restart from a first start; the oldest go first. */
const MAX_NAMES = 1024;

export class WorkerMetrics {
  readonly #states = new Map<string, WorkerChanged['state']>();
  readonly #restarts: Counter;

  constructor(events: Events, registry: Registry) {
    const states = this.#states;
    new Gauge({
      name: 'headgate_worker_up',
      help: 'Worker processes, and remotes, that are ready.',
      registers: [registry],
      collect() {
        let up = 0;
        for (const state of states.values()) if (state === 'ready') up++;
        this.set(up);
      },
    });
    this.#restarts = new Counter({
      name: 'headgate_worker_restarts_total',
      help: 'Times a worker process that had ended was started again.',
      registers: [registry],
    });
    events.on('worker:changed', change => this.#changed(change));
    countDeaths(events, registry);
    countTrouble(events, registry);
  }

  #changed({ worker, state }: WorkerChanged): void {
    const before = this.#states.get(worker);
    if (state === 'starting' && (before === 'exited' || before === 'waiting')) this.#restarts.inc();
    this.#states.delete(worker);
    this.#states.set(worker, state);
    if (this.#states.size > MAX_NAMES) this.#forgetOldestEnded();
  }

  #forgetOldestEnded(): void {
    for (const [worker, state] of this.#states) {
      if (state !== 'exited') continue;
      this.#states.delete(worker);
      return;
    }
  }
}

const CAUSES: readonly DeathCause[] = ['crash', 'hang', 'memory', 'killed', 'exit'];

function countDeaths(events: Events, registry: Registry): void {
  const deaths = new Counter({
    name: 'headgate_worker_deaths_total',
    help: 'Worker processes that died; killed: by somebody else, or the kernel; hang, memory: by the gateway.',
    labelNames: ['cause'],
    registers: [registry],
  });
  for (const cause of CAUSES) deaths.inc({ cause }, 0);
  events.on('worker:died', ({ cause }) => deaths.inc({ cause }));
}

function countTrouble(events: Events, registry: Registry): void {
  const labelNames = ['model', 'version'] as const;
  const hung = new Counter({
    name: 'headgate_hung_runs_total',
    help: 'Runs that took longer than they may; their worker was killed.',
    labelNames,
    registers: [registry],
  });
  const quarantined = new Gauge({
    name: 'headgate_version_quarantined',
    help: '1 while a version takes its worker down again and again.',
    labelNames,
    registers: [registry],
  });
  const ejections = new Counter({
    name: 'headgate_ejections_total',
    help: 'Times a group of instances was left out for being slower than its peers.',
    labelNames,
    registers: [registry],
  });
  events.on('ejection:changed', ({ model, version, ejected }) => {
    if (ejected) ejections.inc({ model, version });
  });
  events.on('run:hung', ({ model, version }) => hung.inc({ model, version }));
  events.on('quarantine:changed', ({ model, version, quarantined: is }) => {
    if (is) quarantined.set({ model, version }, 1);
    else quarantined.remove({ model, version });
  });
  events.on('version:changed', ({ model, version, state }) => {
    if (state === 'UNAVAILABLE')
      for (const metric of [hung, quarantined, ejections]) metric.remove({ model, version });
  });
}
