/**
 * Closed-loop load by autocannon: a second opinion on `closedLoop`, from a client that is not ours. It takes 44 to 67 µs
 * of CPU per answer where ours takes 18 to 26 (128 connections, 3 KB each way).
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import autocannon from 'autocannon';
import type { ClosedLoopOptions, ClosedLoopResult } from '../../src/load/closed-loop.ts';
import type { Address } from '../../src/load/connection.ts';
import { Reply } from '../../src/load/reply.ts';
import { Tally } from '../../src/load/tally.ts';

/** As `closedLoop`. What is under way when the time is up is dropped, not awaited. */
export async function autocannonLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const { host, port, connections, seconds, warmupSeconds = 0, timeoutMs = 10_000, signal } = options;
  signal?.throwIfAborted();
  await reach(options);
  const window = new MeasuredWindow(options);
  const run = autocannon({
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    connections,
    duration: warmupSeconds + seconds + 0.1,
    timeout: timeoutMs / 1000,
    // It looks whether its time is up as often as it samples.
    sampleInt: 50,
    setupClient: client => window.watch(client),
  });
  const stop = () => run.stop();
  signal?.addEventListener('abort', stop);
  try {
    return await window.measured(run);
  } finally {
    signal?.removeEventListener('abort', stop);
    run.stop();
    await run;
    signal?.throwIfAborted();
  }
}

/** Where nobody listens it would try again without end. */
async function reach({ host, port }: Address): Promise<void> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new Error(`cannot connect to ${host}:${port}: ${(error as NodeJS.ErrnoException).code}`);
  } finally {
    socket.destroy();
  }
}

/** Counts for itself what happens between the end of the warm-up and the end of the measured time. */
class MeasuredWindow {
  readonly #options: ClosedLoopOptions;
  readonly #warmup: Tally;
  readonly #measured: Tally;
  #tally: Tally;
  #sent = 0;

  constructor(options: ClosedLoopOptions) {
    this.#options = options;
    this.#warmup = new Tally(options.check, 0);
    this.#measured = new Tally(options.check, 0);
    this.#tally = this.#warmup;
  }

  async measured(run: PromiseLike<unknown>): Promise<ClosedLoopResult> {
    const { warmupSeconds = 0, seconds: wanted, onMeasure } = this.#options;
    const over = Promise.resolve(run);
    await Promise.race([over, delay(warmupSeconds)]);
    onMeasure?.('begins');
    const cpu = process.cpuUsage();
    const since = performance.now();
    this.#tally = this.#measured;
    await Promise.race([over, delay(wanted)]);
    const seconds = (performance.now() - since) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    onMeasure?.('ends');
    const { counts, done, firsts } = this.#measured;
    const result = {
      requests: done,
      okPerSecond: counts.ok / seconds,
      seconds,
      outcomes: { ...counts },
      warmup: this.#warmup.counts,
      firsts: { ...this.#warmup.firsts, ...firsts },
      ...this.#measured.latencies(),
      cpuSeconds: (user + system) / 1e6,
    };
    this.#tally = new Tally(undefined, 0);
    return result;
  }

  /**
   * Hands the client our bytes and keeps those it receives. By its own options it would hold a copy of every request
   * per connection, and make text of each answer.
   */
  watch(client: Parameters<Parameters<typeof autocannon>[0]['setupClient']>[0]): void {
    const { requests } = this.#options;
    let index = -1;
    let head: Head | undefined;
    let parts: Buffer[] = [];
    client.getRequestBuffer = () => {
      if (index >= 0) this.#tally.unanswered('lost', 'the connection ended');
      index = this.#sent++;
      parts = [];
      return requests[index % requests.length] as Uint8Array;
    };
    client.pipelinedRequests.addBody = data => void parts.push(data);
    client.on('headers', (received: Head) => {
      head = received;
    });
    client.on('response', (status: number, _bytes: number, latencyMs: number) => {
      const body = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      this.#answer(index, new Reply(status, headText(head), body), latencyMs);
      index = -1;
    });
    client.on('timeout', () => {
      // The request that replaces it has been asked for already, and counted this one as lost.
      parts = [];
    });
  }

  #answer(index: number, reply: Reply, latencyMs: number): void {
    this.#tally.answer(index, reply, latencyMs);
    if (this.#tally === this.#measured) this.#options.inspect?.(reply, index);
  }
}

interface Head {
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

function headText(head: Head | undefined): string {
  let text = '';
  const headers = head?.headers ?? [];
  for (let i = 0; i < headers.length; i += 2) text += `\r\n${headers[i]}: ${headers[i + 1]}`;
  return text.toLowerCase();
}

const delay = (seconds: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, seconds * 1000);
  });
