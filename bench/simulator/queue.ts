/**
 * A batch queue as arithmetic: requests arrive at given times, wait in one line, and a policy decides when and how
 * many of them go to a free server together. Nothing costs time but the runs themselves, so what a policy reaches
 * here is what no gateway can pass with the same decisions on the same arrivals.
 */
import type { RunTime } from './latency-table.ts';

export interface Arrival {
  /** ms, ascending. */
  readonly at: number;
  readonly rows: number;
}

export interface Waiting {
  readonly arrivedAt: number;
  readonly rows: number;
  /** ms on the arrivals' clock; infinite without a limit. */
  readonly deadline: number;
}

/** What a policy sees; the same object each time, valid during the call. */
export interface QueueState {
  readonly now: number;
  /** The one that has waited longest. */
  readonly first: Waiting;
  /** How many wait, at least 1 when a policy is asked, and their rows. */
  readonly waiting: number;
  readonly waitingRows: number;
  /** At least 1 when a policy is asked. */
  readonly freeServers: number;
  readonly servers: number;
  /** Until when each server is busy, ms; in the past for a free one. */
  readonly busyUntil: readonly number[];
  /** When the last batch was sent, ms; −∞ before the first. */
  readonly sentAt: number;
}

/** `send`: the longest waiting requests that fit into so many rows, at least one. `drop`: the first is refused. */
export type Decision =
  | { readonly kind: 'send'; readonly rows: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'wait'; readonly until: number };

/** A pure function, asked whenever a server is free and rows wait: at an arrival, a finish, and the time it asked for. */
export type Policy = (state: QueueState) => Decision;

export interface Simulation {
  readonly arrivals: readonly Arrival[];
  readonly servers: number;
  readonly service: RunTime;
  readonly policy: Policy;
  /** What each request may take before it is of no use, ms. */
  readonly sloMs?: number;
  /** Time a batch needs to reach its server, during which the server cannot start it, ms. */
  readonly transferMs?: number;
  /** A server takes its next batch, one at most, so long before it is free; infinite: as soon as the last has begun. */
  readonly sendAheadMs?: number;
}

export interface Simulated {
  /** One for each arrival, in its order; infinite for a request that was dropped or never sent. */
  readonly latenciesMs: Float64Array;
  /** Rows of each batch. */
  readonly batches: readonly number[];
  /** Share of the servers' time that was spent in runs. */
  readonly utilisation: number;
  /** From the first arrival to the last finish. */
  readonly spanMs: number;
}

interface Server {
  /** Its last batch starts, and ends. */
  startsAt: number;
  endsAt: number;
}

/** Plays the whole trace. 100,000 requests take some 20 ms with an eager policy. */
export function simulate(simulation: Simulation): Simulated {
  return new Queue(simulation).run();
}

class Queue {
  readonly #simulation: Simulation;
  readonly #servers: Server[];
  readonly #latenciesMs: Float64Array;
  readonly #batches: number[] = [];
  /** Those waiting are the arrivals from `first` up to `next`. */
  #first = 0;
  #next = 0;
  #wakeAt = Number.POSITIVE_INFINITY;
  #busyMs = 0;
  readonly #state: { -readonly [Key in keyof QueueState]: QueueState[Key] } & { busyUntil: number[] };

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    const { servers, arrivals } = simulation;
    const start = arrivals[0]?.at ?? 0;
    this.#servers = Array.from({ length: servers }, () => ({ startsAt: start, endsAt: start }));
    this.#latenciesMs = new Float64Array(arrivals.length).fill(Number.POSITIVE_INFINITY);
    this.#state = {
      now: start,
      first: { arrivedAt: start, rows: 0, deadline: start },
      waiting: 0,
      waitingRows: 0,
      freeServers: servers,
      servers,
      busyUntil: this.#servers.map(() => start),
      sentAt: Number.NEGATIVE_INFINITY,
    };
  }

  run(): Simulated {
    const { arrivals, servers } = this.#simulation;
    for (let now = this.#nextEvent(); Number.isFinite(now); now = this.#nextEvent()) {
      this.#state.now = now;
      if (now >= this.#wakeAt) this.#wakeAt = Number.POSITIVE_INFINITY;
      while ((arrivals[this.#next]?.at ?? Number.POSITIVE_INFINITY) <= now) this.#arrive();
      this.#decide();
    }
    const spanMs = Math.max(...this.#servers.map(server => server.endsAt)) - (arrivals[0]?.at ?? 0);
    return {
      latenciesMs: this.#latenciesMs,
      batches: this.#batches,
      utilisation: this.#busyMs / (spanMs * servers),
      spanMs,
    };
  }

  #nextEvent(): number {
    let next = Math.min(this.#simulation.arrivals[this.#next]?.at ?? Number.POSITIVE_INFINITY, this.#wakeAt);
    if (this.#first === this.#next) return next;
    for (const server of this.#servers) {
      const at = this.#takesAt(server);
      if (at > this.#state.now && at < next) next = at;
    }
    return next;
  }

  /** From when on a server takes another batch. */
  #takesAt({ startsAt, endsAt }: Server): number {
    return Math.max(startsAt, endsAt - (this.#simulation.sendAheadMs ?? 0));
  }

  #arrive(): void {
    this.#state.waitingRows += (this.#simulation.arrivals[this.#next++] as Arrival).rows;
  }

  #decide(): void {
    while (this.#first < this.#next) {
      const server = this.#lookAtServers();
      if (server === undefined) return;
      this.#lookAtLine();
      const decision = this.#simulation.policy(this.#state);
      if (decision.kind === 'wait') {
        if (!(decision.until > this.#state.now)) throw new Error('a policy waits for a time that has passed');
        this.#wakeAt = decision.until;
        return;
      }
      if (decision.kind === 'drop') this.#leave();
      else this.#send(server, decision.rows);
    }
  }

  #lookAtLine(): void {
    const { at, rows } = this.#simulation.arrivals[this.#first] as Arrival;
    const deadline = at + (this.#simulation.sloMs ?? Number.POSITIVE_INFINITY);
    this.#state.first = { arrivedAt: at, rows, deadline };
    this.#state.waiting = this.#next - this.#first;
  }

  /** Refreshes what the policy sees of the servers; the free one that has been free longest. */
  #lookAtServers(): Server | undefined {
    const { now, busyUntil } = this.#state;
    let free = 0;
    let longest: Server | undefined;
    for (const [index, server] of this.#servers.entries()) {
      busyUntil[index] = server.endsAt;
      if (this.#takesAt(server) > now) continue;
      free++;
      if (longest === undefined || server.endsAt < longest.endsAt) longest = server;
    }
    this.#state.freeServers = free;
    return longest;
  }

  #send(server: Server, most: number): void {
    const { service, transferMs = 0, arrivals } = this.#simulation;
    const from = this.#first;
    let rows = this.#leave();
    while (this.#first < this.#next && rows + (arrivals[this.#first] as Arrival).rows <= most) {
      rows += this.#leave();
    }
    this.#state.sentAt = this.#state.now;
    server.startsAt = Math.max(server.endsAt, this.#state.now + transferMs);
    const tookMs = service(rows, server.startsAt);
    server.endsAt = server.startsAt + tookMs;
    this.#busyMs += tookMs;
    this.#batches.push(rows);
    for (let i = from; i < this.#first; i++) {
      this.#latenciesMs[i] = server.endsAt - (arrivals[i] as Arrival).at;
    }
  }

  /** The first in line leaves it; its rows. */
  #leave(): number {
    const { rows } = this.#simulation.arrivals[this.#first++] as Arrival;
    this.#state.waitingRows -= rows;
    return rows;
  }
}
