/** Closed loop: as much as the server takes from so many connections, every answer checked, and the CPU it took. */
import { closedLoop } from '../../src/load/closed-loop.ts';
import type { CheckedReply } from './answer-check.ts';
import { autocannonLoop } from './autocannon-loop.ts';
import { quantile } from './median.ts';
import { cpuBetween, readTreeCpu, type TreeCpu } from './process-tree.ts';
import type { Server } from './server.ts';

export interface Saturation {
  /** Whole HTTP requests, taken in turn. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  readonly seconds: number;
  readonly warmupSeconds?: number;
  /** Judges every 200 to `requests[index]`; throws. */
  readonly check: (reply: CheckedReply, index: number) => void;
}

export interface Saturated {
  readonly answers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server's process tree, µs per answer; and its parts in the first process and in those below it. */
  readonly cpuUs: number;
  readonly frontCpuUs: number;
  readonly workersCpuUs: number;
  /** What the generator itself took, µs per answer. */
  readonly clientCpuUs: number;
}

/** Readings in which a process of the server ended are taken again, so often. */
const ATTEMPTS = 3;

/**
 * Rejects when any answer is missing or wrong. The client is our own, which takes half the CPU of autocannon on cores
 * that it shares with the server, unless `BENCH_CLIENT=autocannon`.
 */
export async function saturate(server: Server, options: Saturation): Promise<Saturated> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const saturated = await saturateOnce(server, options);
    if (saturated !== undefined) return saturated;
  }
  throw new Error('the server’s processes keep ending while it is measured');
}

async function saturateOnce(server: Server, options: Saturation): Promise<Saturated | undefined> {
  const { requests, check } = options;
  const loop = process.env['BENCH_CLIENT'] === 'autocannon' ? autocannonLoop : closedLoop;
  const readings: TreeCpu[] = [];
  const result = await loop({
    ...options,
    host: '127.0.0.1',
    port: server.port,
    check: (reply, index) => check(reply, index % requests.length),
    onMeasure: () => void readings.push(readTreeCpu(server.pid)),
  });
  const { outcomes, warmup, firsts, okMs } = result;
  const answers = outcomes.ok;
  const warmed = Object.values(warmup).reduce((sum, count) => sum + count, 0);
  if (answers === 0 || answers !== result.requests || warmup.ok !== warmed) {
    throw new Error(`bad answers: ${JSON.stringify({ outcomes, warmup, firsts })}`);
  }
  const [before, after] = readings;
  const cpu = before && after && cpuBetween(before, after);
  if (cpu === undefined) return undefined;
  const us = (seconds: number) => (seconds / answers) * 1e6;
  return {
    answers,
    perSecond: result.okPerSecond,
    p50Ms: quantile(okMs, 0.5),
    p99Ms: quantile(okMs, 0.99),
    cpuUs: us(cpu.root + cpu.below),
    frontCpuUs: us(cpu.root),
    workersCpuUs: us(cpu.below),
    clientCpuUs: us(result.cpuSeconds),
  };
}
