/**
 * One scheduler over all versions of all models. A device has permits (a CPU: its cores), an instance runs one batch
 * at a time, and waiting versions are granted by start-time fair queueing on the engine time they consume, so that
 * no more batches compute at once than there are cores for them, and a busy model cannot starve another.
 *
 * A flow is one version. While it waits or runs it is charged: an estimate when granted, corrected when the run
 * ends. One that was idle starts at the clock of the last grant: it gets no credit for the time it did not ask.
 * Grants are never made inside `acquire`: whoever begins to wait is granted after the sockets have been polled, so that
 * all that arrives together goes together (batches of 40 rows instead of 32 at saturation). A seat that is freed is
 * granted at once, before the answers of its last run are written: those take as long as a run.
 */
import { chooseNext, type Seats, usable } from './fair-share.ts';

/** A grant: run once on one of these seats, then `end` exactly once. */
export interface Grant {
  readonly seats: Seats;
  /**
   * Frees the seat and its permits for the next run before this one has ended; the caller knows that it soon will.
   * False where as many runs as there are instances are ahead of their seats already.
   */
  yieldSeat(): boolean;
  /** Lets others have its permits while it keeps its seat: it takes so long that they would wait in vain. */
  lendPermits(): void;
  /** Engine time consumed, ms; 0 when it was given back unused. */
  end(consumedMs: number): void;
}

/** One run's hold on its seat. */
interface Tenancy {
  yieldSeat(): boolean;
  lendPermits(): void;
  leave(): void;
}

interface Waiter {
  readonly grant: (grant: Grant) => void;
}

/** Weight of the newest run in a flow's expected cost. */
const COST_SMOOTHING = 0.2;

export class Scheduler {
  readonly #capacity = new Map<string, number>();
  readonly #used = new Map<string, number>();
  /** Runs that go on without a seat, because they have yielded it. */
  readonly #yielded = new WeakMap<Seats, number>();
  readonly #waiting = new Set<Flow>();
  #clockMs = 0;
  #passQueued = false;
  #pollQueued = false;
  readonly #capacityOf = (device: string): number => this.capacity(device);
  readonly #freeOn = (device: string): number => this.capacity(device) - this.inUse(device);

  /** Declares a device, or changes its permits. */
  setCapacity(device: string, permits: number): void {
    this.#capacity.set(device, permits);
    this.wake();
  }

  /** A device's permits. */
  capacity(device: string): number {
    return this.#capacity.get(device) ?? 0;
  }

  /** Permits in use on a device, for views and tests. */
  inUse(device: string): number {
    return this.#used.get(device) ?? 0;
  }

  flow(): Flow {
    return new Flow(this);
  }

  /** Runs these seats could begin now. */
  free(seats: Seats): number {
    const { device, weight, inUse, open } = seats;
    const permits = Math.floor(this.#freeOn(device) / Math.min(weight, Math.max(1, this.capacity(device))));
    return open ? Math.max(0, Math.min(usable(seats) - inUse, permits)) : 0;
  }

  /** Seats were freed or opened: looks again, in a microtask. */
  wake(): void {
    if (this.#passQueued || this.#waiting.size === 0) return;
    this.#passQueued = true;
    queueMicrotask(() => {
      this.#passQueued = false;
      this.#pass();
    });
  }

  /** For flows only. */
  waits(flow: Flow): void {
    if (!flow.busy) flow.virtualMs = Math.max(flow.virtualMs, this.#clockMs);
    this.#waiting.add(flow);
    this.#wakeAfterPoll();
  }

  /** For flows only. */
  waitsNoMore(flow: Flow): void {
    this.#waiting.delete(flow);
  }

  /** One run on these very seats, now, if they and their device are free and nobody waits for them; for flows only. */
  tryUse(seats: Seats): Tenancy | undefined {
    if (this.#waiting.size > 0 || this.free(seats) === 0) return undefined;
    this.#use(seats, 1);
    return this.#tenancy(seats);
  }

  #wakeAfterPoll(): void {
    if (this.#pollQueued) return;
    this.#pollQueued = true;
    setImmediate(() => {
      this.#pollQueued = false;
      this.#pass();
    });
  }

  #pass(): void {
    for (;;) {
      const choice = chooseNext(this.#waiting, this.#freeOn, this.#capacityOf);
      if (choice === undefined) return;
      const { contender: flow, seats } = choice;
      this.#clockMs = Math.max(this.#clockMs, flow.virtualMs);
      this.#use(seats, 1);
      flow.granted(seats, this.#tenancy(seats));
    }
  }

  #tenancy(seats: Seats): Tenancy {
    let hasYielded = false;
    let hasLent = false;
    return {
      lendPermits: () => {
        if (hasYielded || hasLent) return;
        hasLent = true;
        this.#usePermits(seats, -1);
      },
      yieldSeat: () => {
        const yielded = this.#yielded.get(seats) ?? 0;
        if (hasYielded || hasLent || yielded >= seats.total) return false;
        hasYielded = true;
        this.#yielded.set(seats, yielded + 1);
        this.#use(seats, -1);
        return true;
      },
      leave: () => {
        if (hasYielded) this.#yielded.set(seats, (this.#yielded.get(seats) ?? 0) - 1);
        else if (!hasLent) this.#use(seats, -1);
        else {
          seats.inUse--;
          this.wake();
        }
      },
    };
  }

  #use(seats: Seats, runs: 1 | -1): void {
    seats.inUse += runs;
    this.#usePermits(seats, runs);
  }

  #usePermits(seats: Seats, runs: 1 | -1): void {
    this.#used.set(seats.device, this.inUse(seats.device) + runs * seats.weight);
    if (runs === -1) this.wake();
  }
}

/** One version's place in the scheduler: its seats, those who wait for one, and what it has consumed. */
export class Flow {
  virtualMs = 0;
  readonly seats: Seats[] = [];
  readonly #scheduler: Scheduler;
  readonly #waiters: Waiter[] = [];
  #running = 0;
  #expectedMs = 1;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get busy(): boolean {
    return this.#running > 0 || this.#waiters.length > 0;
  }

  /** Asks for one run; `grant` is called once, later. Returns how to withdraw. */
  acquire(grant: (grant: Grant) => void): () => void {
    const waiter: Waiter = { grant };
    this.#scheduler.waits(this);
    this.#waiters.push(waiter);
    return () => this.#withdraw(waiter);
  }

  /** For the scheduler only. */
  granted(seats: Seats, tenancy: Tenancy): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) throw new Error('this is a bug: a flow was granted a run nobody waits for');
    if (this.#waiters.length === 0) this.#scheduler.waitsNoMore(this);
    waiter.grant(this.#begin(seats, tenancy));
  }

  /** One run on other seats than these, if any are idle now. */
  tryOther(than: Seats): Grant | undefined {
    for (const seats of this.seats) {
      const tenancy = seats === than ? undefined : this.#scheduler.tryUse(seats);
      if (tenancy !== undefined) return this.#begin(seats, tenancy);
    }
    return undefined;
  }

  #begin(seats: Seats, { yieldSeat, lendPermits, leave }: Tenancy): Grant {
    this.#running++;
    const chargedMs = this.#expectedMs * seats.weight;
    this.virtualMs += chargedMs;
    let ended = false;
    const end = (consumedMs: number): void => {
      if (ended) throw new Error('this is a bug: a granted run ended twice');
      ended = true;
      this.#running--;
      this.virtualMs += consumedMs * seats.weight - chargedMs;
      if (consumedMs > 0) this.#expectedMs += COST_SMOOTHING * (consumedMs - this.#expectedMs);
      leave();
    };
    return { seats, yieldSeat, lendPermits, end };
  }

  /** Runs it could begin now. */
  get free(): number {
    let free = 0;
    for (const seats of this.seats) free += this.#scheduler.free(seats);
    return free;
  }

  /** Runs it could have at once if nobody else had any. */
  get total(): number {
    let total = 0;
    for (const seats of this.seats) {
      const permits = Math.max(1, Math.floor(this.#scheduler.capacity(seats.device) / seats.weight));
      if (seats.open) total += Math.min(usable(seats), permits);
    }
    return total;
  }

  #withdraw(waiter: Waiter): void {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return;
    this.#waiters.splice(at, 1);
    if (this.#waiters.length === 0) this.#scheduler.waitsNoMore(this);
  }
}
