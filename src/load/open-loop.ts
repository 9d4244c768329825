/**
 * Open-loop load: requests leave when they are due, whatever became of those before, and each latency counts from when
 * its request was *due*: a server that stalls is charged for everyone who would have come meanwhile.
 */
import type { Address, Connection, ConnectionOwner, Ending } from './connection.ts';
import { Connections } from './connections.ts';
import { type Lateness, lateness } from './lateness.ts';
import type { Outcomes } from './outcome.ts';
import { DEFAULT_MAX_REPLY_BYTES, type Reply } from './reply.ts';
import { type Check, type Latencies, Tally } from './tally.ts';
import { Wakeup } from './wakeup.ts';

export interface OpenLoopOptions extends Address {
  /** Whole HTTP/1.1 requests, keep-alive; the `i`-th of the run is `requests[i % requests.length]`. */
  readonly requests: readonly Uint8Array[];
  /** When each is due, ms from the start, ascending: `poissonArrivals`, `constantArrivals` or a trace. */
  readonly arrivals: Float64Array;
  /** Default 256. Requests that find all of them busy wait, and their waiting counts as latency. */
  readonly maxConnections?: number;
  /** Made before the clock starts, so that it does not start with a rush of connections; default 16. */
  readonly preconnect?: number;
  /** From when it was due; default 10 000. Looked for every 20 ms. */
  readonly timeoutMs?: number;
  /** Judges each 200; what it throws counts as `wrong`. Default: every 200 is right. */
  readonly check?: Check;
  /** Sees every answer, which is valid only during the call, and its latency. */
  readonly inspect?: (reply: Reply, index: number, latencyMs: number) => void;
  /** Default 256 MiB. */
  readonly maxReplyBytes?: number;
  readonly signal?: AbortSignal;
}

export interface OpenLoopResult extends Latencies {
  readonly requests: number;
  readonly offeredPerSecond: number;
  /** Correct answers per second of the whole run. */
  readonly okPerSecond: number;
  /** From the start to the last request's end. */
  readonly seconds: number;
  readonly outcomes: Outcomes;
  /** For each outcome but `ok`, what the first one said. */
  readonly firsts: Tally['firsts'];
  readonly generator: Generator;
}

/** How well the generator itself did, and what it cost. */
export interface Generator extends Lateness {
  /** Requests that found every connection busy at the maximum. */
  readonly waited: number;
  /** The most there were at once. */
  readonly connections: number;
  /** CPU of this process during the run. */
  readonly cpuSeconds: number;
}

const DEFAULT_MAX_CONNECTIONS = 256;
const DEFAULT_PRECONNECT = 16;
const DEFAULT_TIMEOUT_MS = 10_000;
const SWEEP_MS = 20;

/** Runs the whole schedule. Rejects when its first connections cannot be made, or with the signal's reason. */
export function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  return new Promise((resolve, reject) => new OpenLoop(options, resolve, reject).start());
}

/** Makes its first connections, then runs its schedule, then settles; it is over once it has settled. */
class OpenLoop implements ConnectionOwner {
  readonly #options: OpenLoopOptions;
  readonly #timeoutMs: number;
  readonly #resolve: (result: OpenLoopResult) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #tally: Tally;
  readonly #lateMs: Float64Array;
  readonly #connections: Connections;
  readonly #wakeup = new Wakeup(() => this.#pump());
  /** Running while the schedule is. */
  #sweeper: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #waited = 0;
  /** Connections still to be made before the clock starts. */
  #missing: number;
  /** Requests before this are due; those from `#unsent` to here wait for a connection. */
  #due = 0;
  #unsent = 0;

  constructor(
    options: OpenLoopOptions,
    resolve: (result: OpenLoopResult) => void,
    reject: (reason: unknown) => void,
  ) {
    const { arrivals, check, maxConnections = DEFAULT_MAX_CONNECTIONS } = options;
    this.#options = options;
    this.#missing = Math.max(1, Math.min(options.preconnect ?? DEFAULT_PRECONNECT, maxConnections));
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#tally = new Tally(check, arrivals.length);
    this.#lateMs = new Float64Array(arrivals.length);
    const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = options;
    this.#connections = new Connections(options, this, maxConnections, maxReplyBytes);
  }

  start(): void {
    const { signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    else this.#connections.grow(this.#missing);
  }

  connected(connection: Connection): void {
    this.#connections.arrived();
    this.#connections.giveBack(connection, this.#now());
    if (this.#sweeper !== undefined) this.#feed();
    else if (--this.#missing === 0) this.#begin();
  }

  answered(connection: Connection, reply: Reply): void {
    const now = this.#now();
    const { index } = connection;
    connection.index = -1;
    const latencyMs = now - this.#dueAt(index);
    this.#tally.answer(index, reply, latencyMs);
    this.#wakeup.noteLatency(latencyMs);
    this.#options.inspect?.(reply, index, latencyMs);
    this.#connections.giveBack(connection, now);
    this.#feed();
    this.#settleWhenDone();
  }

  ended(connection: Connection, how: Ending, detail: string): void {
    this.#connections.remove(connection);
    if (connection.index >= 0) this.#tally.unanswered(how === 'unreadable' ? 'wrong' : 'lost', detail);
    else if (how === 'refused' && !this.#passRefusal(detail)) return;
    this.#feed();
    this.#settleWhenDone();
  }

  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);

  /** A connection that could not be made costs the request that waited longest; one of the first ends the run. */
  #passRefusal(detail: string): boolean {
    this.#connections.arrived();
    if (this.#sweeper !== undefined) {
      if (this.#unsent < this.#due) {
        this.#unsent++;
        this.#tally.unanswered('unconnected', detail);
      }
      return true;
    }
    const { host, port } = this.#options;
    this.#fail(new Error(`cannot connect to ${host}:${port}: ${detail}`));
    return false;
  }

  #begin(): void {
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#cpu = process.cpuUsage();
    this.#startedAt = performance.now();
    this.#pump();
    this.#settleWhenDone();
  }

  #now(): number {
    return performance.now() - this.#startedAt;
  }

  #dueAt(index: number): number {
    return this.#options.arrivals[index] as number;
  }

  /** Sends what is due and sleeps until the next is. */
  #pump(): void {
    const { length } = this.#options.arrivals;
    for (; this.#due < length; this.#due++) {
      const lateMs = this.#now() - this.#dueAt(this.#due);
      if (lateMs < 0) return void this.#wakeup.in(-lateMs);
      this.#lateMs[this.#due] = lateMs;
      this.#feed(this.#due + 1);
      if (this.#unsent <= this.#due && this.#connections.isFull) this.#waited++;
    }
  }

  /** Hands the requests before `due` to idle connections, and makes as many connections as still wait. */
  #feed(due = this.#due): void {
    const { requests } = this.#options;
    while (this.#unsent < due) {
      const connection = this.#connections.take();
      if (connection === undefined) {
        this.#connections.grow(due - this.#unsent);
        return;
      }
      connection.index = this.#unsent++;
      connection.send(requests[connection.index % requests.length] as Uint8Array);
    }
  }

  /** Ends what has taken too long, and connections that nobody needs. */
  #sweep(): void {
    const now = this.#now();
    const isOver = (index: number) => now - this.#dueAt(index) >= this.#timeoutMs;
    const timeOut = () => this.#tally.unanswered('timeout', `no answer within ${this.#timeoutMs} ms`);
    this.#connections.dropBusy(connection => isOver(connection.index), timeOut);
    for (; this.#unsent < this.#due && isOver(this.#unsent); this.#unsent++) timeOut();
    this.#connections.retireIdle(now);
    this.#feed();
    this.#settleWhenDone();
  }

  #settleWhenDone(): void {
    const { arrivals } = this.#options;
    if (this.#sweeper === undefined || this.#tally.done < arrivals.length) return;
    const seconds = this.#now() / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#close();
    const { counts: outcomes, firsts } = this.#tally;
    this.#resolve({
      requests: arrivals.length,
      offeredPerSecond: arrivals.length / ((arrivals.at(-1) ?? 0) / 1000),
      okPerSecond: outcomes.ok / seconds,
      seconds,
      outcomes,
      firsts,
      ...this.#tally.latencies(),
      generator: {
        ...lateness(this.#lateMs),
        waited: this.#waited,
        connections: this.#connections.most,
        cpuSeconds: (user + system) / 1e6,
      },
    });
  }

  #fail(reason: unknown): void {
    this.#close();
    this.#reject(reason);
  }

  #close(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    this.#wakeup.cancel();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#connections.close();
  }
}
