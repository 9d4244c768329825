import type { WorkerProcess } from './worker-process.ts';

/** Recovery comes first: starting another takes half a second of a core, while what has waited is caught up with. */
const REFILL_MS = 3000;

/**
 * Worker processes that have started and host nothing, so that whoever needs one need not wait for Node and the engine
 * to start (0.3 to 0.5 s of 0.4 to 0.7 s until a small model serves again).
 *
 * Life: from `fill` on it keeps `count` of them, replacing those that were taken or have died; `close` kills them.
 */
export class Spares {
  readonly #count: number;
  readonly #start: (name: string) => WorkerProcess;
  readonly #idle: WorkerProcess[] = [];
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(count: number, start: (name: string) => WorkerProcess) {
    this.#count = count;
    this.#start = start;
  }

  fill(): void {
    while (!this.#closed && this.#idle.length < this.#count) {
      const process = this.#start('spare');
      this.#idle.push(process);
      void process.exited.then(() => this.#remove(process));
    }
  }

  /** One that is ready or will be; the caller owns it. One that must be started now has a socket of this name. */
  take(name: string): WorkerProcess {
    const process = this.#idle.shift() ?? this.#start(name);
    this.#fillLater();
    return process;
  }

  /** As `take`, but leaves the last one to a worker that dies: a few callers can wait longer than all of them. */
  takeSpared(name: string): WorkerProcess {
    return this.#idle.length > 1 ? this.take(name) : this.#start(name);
  }

  /** Resolves when those it holds are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refill);
    await Promise.all(this.#idle.map(process => process.kill()));
  }

  #remove(process: WorkerProcess): void {
    const at = this.#idle.indexOf(process);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#fillLater();
  }

  #fillLater(): void {
    if (this.#closed || this.#count === 0) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => this.fill(), REFILL_MS).unref();
  }
}
