/**
 * One loaded version: its run threads, and two slots per thread, so that the next batch can be received while one
 * runs. Slots belong to the version, not to a thread: a received batch runs on whichever thread is free first, in
 * the order received. A request owns a slot from `acquire` to `release`; those that find none wait, 64 at most.
 */
import { GatewayError } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import type { RunThread } from './run-thread.ts';
import { Slot } from './slot.ts';

const SLOTS_PER_THREAD = 2;
const MAX_WAITING = 64;

/** Large outputs, in the order asked for; undefined where they lie in the slot. */
export type Outputs = readonly Uint8Array[] | undefined;

interface Run {
  readonly slot: Slot;
  /** Runs there and nowhere else. */
  readonly thread: RunThread | undefined;
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (error: unknown) => void;
}

export class LoadedModel {
  readonly name: string;
  readonly version: string;
  readonly signature: ModelSignature;
  readonly #threads: readonly RunThread[];
  readonly #slots: readonly Slot[];
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  readonly #ready: Run[] = [];
  #whenEmpty: (() => void) | undefined;

  constructor(name: string, version: string, signature: ModelSignature, threads: readonly RunThread[]) {
    this.name = name;
    this.version = version;
    this.signature = signature;
    this.#threads = threads;
    this.#slots = Array.from(
      { length: threads.length * SLOTS_PER_THREAD },
      (_, i) => new Slot(i, signature.inputs.length, signature.outputs.length),
    );
    this.#free = [...this.#slots];
  }

  get instances(): number {
    return this.#threads.length;
  }

  /** Runs under way now. */
  get running(): number {
    return this.#threads.filter(thread => thread.busy).length;
  }

  /** Requests that hold a slot or wait for one. */
  get requests(): number {
    return this.#slots.length - this.#free.length + this.#waiting.length;
  }

  /** Must be called once before the first run. */
  async attachSlots(): Promise<void> {
    const slots = this.#slots.map(({ buffers }) => buffers);
    await Promise.all(this.#threads.map(thread => thread.command({ kind: 'slots', slots })));
  }

  /** Calls `grant` with a slot, at once or later. Returns a function that withdraws the request, no-op once granted. */
  acquire(grant: (slot: Slot) => void): () => void {
    const slot = this.#free.pop();
    if (slot !== undefined) {
      grant(slot);
      return () => {};
    }
    if (this.#waiting.length >= MAX_WAITING)
      throw new GatewayError('overloaded', 'the worker has too many requests waiting');
    this.#waiting.push(grant);
    return () => this.#withdraw(grant);
  }

  release(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(slot);
    else this.#free.push(slot);
    if (this.requests === 0) this.#whenEmpty?.();
  }

  /** Runs what lies in the slot, on the given instance or on the first free one; rejects with a GatewayError. */
  run(slot: Slot, instance: number | undefined): Promise<Outputs> {
    return new Promise((resolve, reject) => {
      const thread = instance === undefined ? undefined : this.#threads[instance];
      this.#ready.push({ slot, thread, resolve, reject });
      this.#dispatch();
    });
  }

  /** Takes a run back that has not begun; false when it has. */
  cancel(slot: Slot): boolean {
    const i = this.#ready.findIndex(run => run.slot === slot);
    if (i !== -1) this.#ready.splice(i, 1);
    return i !== -1;
  }

  /** Waits for every request to end, then releases the sessions; no request may be made meanwhile. */
  async unload(): Promise<readonly RunThread[]> {
    if (this.requests > 0) {
      await new Promise<void>(resolve => {
        this.#whenEmpty = resolve;
      });
    }
    await Promise.all(this.#threads.map(thread => thread.command({ kind: 'release' })));
    return this.#threads;
  }

  #withdraw(grant: (slot: Slot) => void): void {
    const i = this.#waiting.indexOf(grant);
    if (i !== -1) this.#waiting.splice(i, 1);
    if (this.requests === 0) this.#whenEmpty?.();
  }

  #dispatch(): void {
    for (let i = 0; i < this.#ready.length; ) {
      const run = this.#ready[i] as Run;
      const thread = run.thread ?? this.#threads.find(candidate => !candidate.busy);
      if (thread === undefined) return;
      if (thread.busy) i++;
      else {
        this.#ready.splice(i, 1);
        void this.#start(run, thread);
      }
    }
  }

  async #start(run: Run, thread: RunThread): Promise<void> {
    try {
      run.resolve(await thread.run(run.slot));
    } catch (error) {
      run.reject(error);
    }
    // Before the answer is written: its continuation is still queued.
    this.#dispatch();
  }
}
