/**
 * Closed-loop load: every connection sends its next request as soon as the last was answered. It finds what a server
 * can do; for how long callers wait at a given load, `openLoop` asks better.
 */
import type { Address, Connection, ConnectionOwner, Ending } from './connection.ts';
import { Connections } from './connections.ts';
import type { Outcomes } from './outcome.ts';
import { DEFAULT_MAX_REPLY_BYTES, type Reply } from './reply.ts';
import { type Check, type Latencies, Tally } from './tally.ts';

export interface ClosedLoopOptions extends Address {
  /** Whole HTTP/1.1 requests, keep-alive; the `i`-th that is sent is `requests[i % requests.length]`. */
  readonly requests: readonly Uint8Array[];
  readonly connections: number;
  /** How long to measure. */
  readonly seconds: number;
  /** How long to send before that; default 0. */
  readonly warmupSeconds?: number;
  /** Default 10 000. Looked for every 100 ms. */
  readonly timeoutMs?: number;
  /** Judges each 200, those of the warm-up too; what it throws counts as `wrong`. */
  readonly check?: Check;
  /** Sees every answer within the measured time; it is valid only during the call. */
  readonly inspect?: (reply: Reply, index: number) => void;
  /** Called when measuring begins and when it ends: the time to read others' clocks and counters. */
  readonly onMeasure?: (edge: 'begins' | 'ends') => void;
  /** Default 256 MiB. */
  readonly maxReplyBytes?: number;
  readonly signal?: AbortSignal;
}

/** Everything but `warmup` is about what was answered, or failed, within the measured time. */
export interface ClosedLoopResult extends Latencies {
  readonly requests: number;
  readonly okPerSecond: number;
  readonly seconds: number;
  readonly outcomes: Outcomes;
  readonly warmup: Outcomes;
  /** For each outcome but `ok`, what the first one said, during warm-up or after. */
  readonly firsts: Tally['firsts'];
  /** CPU of this process while it measured. */
  readonly cpuSeconds: number;
}

const SWEEP_MS = 100;
const DEFAULT_TIMEOUT_MS = 10_000;

/** Rejects when no connection can be made at all, or with the signal's reason. */
export function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  return new Promise((resolve, reject) => new ClosedLoop(options, resolve, reject).start());
}

/** Connecting → warming → measuring → draining → over. */
class ClosedLoop implements ConnectionOwner {
  readonly #options: ClosedLoopOptions;
  readonly #resolve: (result: ClosedLoopResult) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #connections: Connections;
  readonly #warmup: Tally;
  readonly #measured: Tally;
  #phase: 'connecting' | 'warming' | 'measuring' | 'draining' | 'over' = 'connecting';
  #timer: NodeJS.Timeout | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #measuringSince = 0;
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #result: ClosedLoopResult | undefined;
  #sent = 0;
  #busy = 0;

  constructor(
    options: ClosedLoopOptions,
    resolve: (result: ClosedLoopResult) => void,
    reject: (reason: unknown) => void,
  ) {
    const { check, connections, maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = options;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#connections = new Connections(options, this, connections, maxReplyBytes);
    this.#warmup = new Tally(check, 0);
    this.#measured = new Tally(check, 0);
  }

  start(): void {
    const { signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    else this.#connections.grow(1);
  }

  connected(connection: Connection): void {
    this.#connections.arrived();
    if (this.#phase === 'connecting') this.#warm();
    this.#sendOn(connection);
  }

  answered(connection: Connection, reply: Reply): void {
    const { index } = connection;
    const latencyMs = performance.now() - connection.sinceMs;
    connection.index = -1;
    this.#busy--;
    if (this.#phase !== 'draining') this.#tally.answer(index, reply, latencyMs);
    if (this.#phase === 'measuring') this.#options.inspect?.(reply, index);
    if (connection.isOpen) this.#sendOn(connection);
    else this.#replace(connection);
  }

  ended(connection: Connection, how: Ending, detail: string): void {
    if (how === 'refused') this.#connections.arrived();
    if (this.#phase === 'connecting') {
      const { host, port } = this.#options;
      this.#fail(new Error(`cannot connect to ${host}:${port}: ${detail}`));
      return;
    }
    if (connection.index >= 0) this.#busy--;
    if (this.#phase !== 'draining' && (connection.index >= 0 || how === 'refused'))
      this.#tally.unanswered(outcomeOfEnding(how), detail);
    // One that was refused is tried again with the next sweep: at once would be a busy loop.
    if (how === 'refused') this.#connections.remove(connection);
    else this.#replace(connection);
  }

  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);

  get #tally(): Tally {
    return this.#phase === 'warming' ? this.#warmup : this.#measured;
  }

  #sendOn(connection: Connection): void {
    if (this.#phase === 'draining') {
      this.#overWhenIdle();
      return;
    }
    const { requests } = this.#options;
    connection.index = this.#sent++;
    connection.sinceMs = performance.now();
    this.#busy++;
    connection.send(requests[connection.index % requests.length] as Uint8Array);
  }

  #replace(connection: Connection): void {
    this.#connections.remove(connection);
    if (this.#phase === 'draining') this.#overWhenIdle();
    else this.#connections.grow(this.#options.connections);
  }

  #warm(): void {
    this.#phase = 'warming';
    this.#connections.grow(this.#options.connections);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    const { warmupSeconds = 0 } = this.#options;
    if (warmupSeconds === 0) this.#measure();
    else this.#timer = setTimeout(() => this.#measure(), warmupSeconds * 1000);
  }

  #measure(): void {
    this.#phase = 'measuring';
    this.#timer = setTimeout(() => this.#drain(), this.#options.seconds * 1000);
    this.#options.onMeasure?.('begins');
    this.#cpu = process.cpuUsage();
    this.#measuringSince = performance.now();
  }

  #drain(): void {
    const seconds = (performance.now() - this.#measuringSince) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#options.onMeasure?.('ends');
    const { counts: outcomes, done: requests, firsts } = this.#measured;
    this.#result = {
      requests,
      okPerSecond: outcomes.ok / seconds,
      seconds,
      outcomes,
      warmup: this.#warmup.counts,
      firsts: { ...this.#warmup.firsts, ...firsts },
      ...this.#measured.latencies(),
      cpuSeconds: (user + system) / 1e6,
    };
    this.#phase = 'draining';
    this.#overWhenIdle();
  }

  #overWhenIdle(): void {
    if (this.#busy > 0 || this.#result === undefined || this.#phase === 'over') return;
    this.#close();
    this.#resolve(this.#result);
  }

  #sweep(): void {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const before = performance.now() - timeoutMs;
    this.#connections.dropBusy(
      ({ sinceMs }) => sinceMs < before,
      () => {
        this.#busy--;
        if (this.#phase !== 'draining') this.#tally.unanswered('timeout', `no answer within ${timeoutMs} ms`);
      },
    );
    if (this.#phase === 'draining') this.#overWhenIdle();
    else this.#connections.grow(this.#options.connections);
  }

  #fail(reason: unknown): void {
    this.#close();
    this.#reject(reason);
  }

  #close(): void {
    this.#phase = 'over';
    clearTimeout(this.#timer);
    clearInterval(this.#sweeper);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#connections.close();
  }
}

function outcomeOfEnding(how: Ending) {
  return how === 'unreadable' ? 'wrong' : how === 'refused' ? 'unconnected' : 'lost';
}
