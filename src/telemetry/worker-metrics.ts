/** Workers as numbers: how many are up, and how often one was started again. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events, WorkerChanged } from '../events.ts';

/** Names of workers that ended are kept to tell a restart from a first start; the oldest go first. */
const MAX_NAMES = 1024;

export class WorkerMetrics {
  readonly #states = new Map<string, WorkerChanged['state']>();
  readonly #restarts: Counter;

  constructor(events: Events, registry: Registry) {
    const states = this.#states;
    new Gauge({
      name: 'headgate_worker_up',
      help: 'Worker processes that are ready.',
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
