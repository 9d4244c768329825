/**
 * Open-loop load: requests are sent when they are due, whatever became of those before, and each latency counts from
 * when its request was *due*: a server that stalls is charged for everyone who would have come meanwhile.
 */
import { type Address, Connection, type ConnectionOwner } from './connection.ts';
import { quantile } from './quantile.ts';
import { DEFAULT_MAX_REPLY_BYTES, type Reply } from './reply.ts';
import { type Check, type Latencies, type Outcomes, Tally } from './tally.ts';
import { Wakeup } from './wakeup.ts';

export interface OpenLoopOptions extends Address {
  /** Whole HTTP/1.1 requests, keep-alive; the `i`-th of the run is `requests[i % requests.length]`. */
  readonly requests: readonly Uint8Array[];
  /** When each is due, ms from the start, ascending: `poissonArrivals`, `constantArrivals` or a trace. */
  readonly arrivals: Float64Array;
  /** Default 256. Requests that find all of them busy wait, and their waiting counts as latency. */
  readonly maxConnections?: number;
  /** From when it was due; default 10 000. Looked for every 20 ms. */
  readonly timeoutMs?: number;
  /** Judges each 200; what it throws counts as `wrong`. Default: every 200 is right. */
  readonly check?: Check;
  /** Sees every answer; its `body` and itself are valid only during the call. */
  readonly inspect?: (reply: Reply, index: number) => void;
  /** Default 256 MiB. */
  readonly maxReplyBytes?: number;
  readonly signal?: AbortSignal;
}

export interface OpenLoopResult extends Latencies {
  readonly requests: number;
  /** Requests due per second. */
  readonly offeredPerSecond: number;
  /** Correct answers per second of the whole run. */
  readonly okPerSecond: number;
  /** From the start to the last request's end. */
  readonly seconds: number;
  readonly outcomes: Outcomes;
  /** For each outcome but `ok`, what the first one said. */
  readonly firsts: Partial<Record<string, string>>;
  readonly generator: Generator;
}

/** How well the generator itself did. */
export interface Generator {
  /** Share of requests it got to more than 1 ms after they were due. */
  readonly lateShare: number;
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
  /** Requests that found every connection busy at the maximum. */
  readonly waited: number;
  readonly connections: number;
  /** CPU of this process during the run, s. */
  readonly cpuSeconds: number;
  /** Why the run must not be trusted, when it must not. */
  readonly isVoid?: string;
}

const LATE_MS = 1;
const MAX_LATE_SHARE = 0.01;
const SWEEP_MS = 20;
/** Servers commonly close idle connections after 5 s: sending on one just then loses the request. */
const MAX_IDLE_MS = 4000;

/** Runs the whole schedule. Rejects when no connection can be made at all, or with the signal's reason. */
export function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  return new Promise((resolve, reject) => new OpenLoop(options, resolve, reject).start());
}

class OpenLoop implements ConnectionOwner {
  readonly #options: OpenLoopOptions;
  readonly #resolve: (result: OpenLoopResult) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #tally: Tally;
  readonly #lateMs: Float64Array;
  readonly #connections = new Set<Connection>();
  /** The last to become idle is the first to be used, so that no more are kept warm than are needed. */
  readonly #idle: Connection[] = [];
  readonly #wakeup = new Wakeup(() => this.#pump());
  #sweeper: NodeJS.Timeout | undefined;
  #startedAt = -1;
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #connecting = 0;
  #mostConnections = 0;
  #waited = 0;
  /** Requests before this are due; those from `#unsent` to here wait for a connection. */
  #due = 0;
  #unsent = 0;

  constructor(
    options: OpenLoopOptions,
    resolve: (result: OpenLoopResult) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#tally = new Tally(options.arrivals.length, options.check);
    this.#lateMs = new Float64Array(options.arrivals.length);
  }

  /** Connects; the clock starts with the first connection. */
  start(): void {
    const { signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    else this.#connect();
  }

  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);

  connected(connection: Connection): void {
    this.#connecting--;
    if (this.#startedAt < 0) this.#begin();
    this.#release(connection);
  }

  answered(connection: Connection, reply: Reply): void {
    const { index } = connection;
    connection.index = -1;
    this.#tally.answer(index, reply, this.#now() - this.#dueAt(index));
    this.#options.inspect?.(reply, index);
    if (connection.isOpen) this.#release(connection);
    else this.#connections.delete(connection);
    this.#finishWhenDone();
  }

  ended(connection: Connection, how: 'refused' | 'lost' | 'unreadable', detail: string): void {
    this.#connections.delete(connection);
    if (how === 'refused') this.#connectFailed(detail);
    else if (connection.index >= 0)
      this.#tally.count(connection.index, how === 'lost' ? 'lost' : 'wrong', detail);
    else this.#idle.splice(this.#idle.indexOf(connection), 1);
    this.#feed();
    this.#finishWhenDone();
  }

  #connectFailed(detail: string): void {
    this.#connecting--;
    if (this.#startedAt < 0)
      this.#fail(new Error(`cannot connect to ${this.#options.host}:${this.#options.port}: ${detail}`));
    else if (this.#unsent < this.#due) this.#tally.count(this.#unsent++, 'unconnected', detail);
  }

  #begin(): void {
    this.#cpu = process.cpuUsage();
    this.#startedAt = performance.now();
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#pump();
    this.#finishWhenDone();
  }

  #now(): number {
    return performance.now() - this.#startedAt;
  }

  #dueAt(index: number): number {
    return this.#options.arrivals[index] as number;
  }

  /** Sends what is due and sleeps until the next is. */
  #pump(): void {
    const { arrivals } = this.#options;
    for (let now = this.#now(); this.#due < arrivals.length; now = this.#now()) {
      const lateMs = now - this.#dueAt(this.#due);
      if (lateMs < 0) {
        this.#wakeup.in(-lateMs);
        break;
      }
      this.#lateMs[this.#due++] = lateMs;
      this.#feed();
      if (this.#unsent < this.#due && this.#connections.size >= this.#maxConnections) this.#waited++;
    }
  }

  /** Hands due requests to idle connections, and makes as many connections as requests still wait. */
  #feed(): void {
    const { requests } = this.#options;
    while (this.#unsent < this.#due) {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      connection.index = this.#unsent++;
      connection.send(requests[connection.index % requests.length] as Uint8Array);
    }
    while (this.#connecting < this.#due - this.#unsent && this.#connections.size < this.#maxConnections)
      this.#connect();
  }

  get #maxConnections(): number {
    return this.#options.maxConnections ?? 256;
  }

  #connect(): void {
    this.#connecting++;
    const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = this.#options;
    this.#connections.add(new Connection(this.#options, this, maxReplyBytes));
    this.#mostConnections = Math.max(this.#mostConnections, this.#connections.size);
  }

  #release(connection: Connection): void {
    connection.idleSince = this.#now();
    this.#idle.push(connection);
    this.#feed();
  }

  /** Ends what has taken too long, and connections that nobody needs. */
  #sweep(): void {
    const now = this.#now();
    const { timeoutMs = 10_000 } = this.#options;
    for (const connection of this.#connections) {
      if (connection.index < 0 || now - this.#dueAt(connection.index) < timeoutMs) continue;
      this.#tally.count(connection.index, 'timeout', `no answer within ${timeoutMs} ms`);
      this.#drop(connection);
    }
    while (this.#unsent < this.#due && now - this.#dueAt(this.#unsent) >= timeoutMs)
      this.#tally.count(this.#unsent++, 'timeout', `no connection was free for ${timeoutMs} ms`);
    while (this.#idle.length > 0 && now - (this.#idle[0] as Connection).idleSince > MAX_IDLE_MS)
      this.#drop(this.#idle.shift() as Connection);
    this.#feed();
    this.#finishWhenDone();
  }

  #drop(connection: Connection): void {
    connection.destroy();
    this.#connections.delete(connection);
  }

  #finishWhenDone(): void {
    if (this.#sweeper === undefined || this.#tally.done < this.#options.arrivals.length) return;
    const seconds = this.#now() / 1000;
    const cpu = process.cpuUsage(this.#cpu);
    this.#close();
    const { arrivals } = this.#options;
    const { counts: outcomes, firsts } = this.#tally;
    this.#resolve({
      requests: arrivals.length,
      offeredPerSecond: arrivals.length / ((arrivals.at(-1) ?? 0) / 1000),
      okPerSecond: outcomes.ok / seconds,
      seconds,
      outcomes,
      firsts,
      ...this.#tally.latencies(),
      generator: this.#generator((cpu.user + cpu.system) / 1e6),
    });
  }

  #generator(cpuSeconds: number): Generator {
    const late = this.#lateMs.sort();
    const lateShare = late.filter(ms => ms > LATE_MS).length / Math.max(1, late.length);
    return {
      lateShare,
      lateP99Ms: quantile(late, 0.99),
      lateMaxMs: late.at(-1) ?? 0,
      waited: this.#waited,
      connections: this.#mostConnections,
      cpuSeconds,
      ...(lateShare > MAX_LATE_SHARE && {
        isVoid: `the generator was late: ${(lateShare * 100).toFixed(1)} % of its requests left more than ${LATE_MS} ms after they were due`,
      }),
    };
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
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }
}
