/** Closed loop: as much as the server takes, from so many connections. */

import type { CheckedReply } from './answer-check.ts';
import { load, outcomesText, total } from './load.ts';
import { quantile } from './median.ts';
import { exactTreeCpu } from './process-tree.ts';
import type { Server } from './server.ts';

export interface Saturation {
  /** Whole HTTP requests, taken in turn. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  readonly seconds: number;
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
}

/** Rejects when any answer is missing or wrong. */
export async function saturate(server: Server, load: Saturation): Promise<Saturated> {
  const cpu = exactTreeCpu(server.pid);
  const { answers, seconds, latenciesMs } = await fire(server.port, load);
  const used = exactTreeCpu(server.pid);
  const us = (before: number, after: number) => ((after - before) / answers) * 1e6;
  const [frontCpuUs, workersCpuUs] = [us(cpu.root, used.root), us(cpu.below, used.below)];
  return {
    answers,
    perSecond: answers / seconds,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    cpuUs: frontCpuUs + workersCpuUs,
    frontCpuUs,
    workersCpuUs,
  };
}

async function fire(port: number, { requests, connections, seconds, check }: Saturation) {
  const indexOf = (caller: number, turn: number) => (caller * 37 + turn) % requests.length;
  const sentAt = new Float64Array(connections);
  const latenciesMs: number[] = [];
  const started = performance.now();
  const outcomes = await load({
    port,
    callers: connections,
    next: (caller, turn) => {
      sentAt[caller] = performance.now();
      return sentAt[caller] - started < seconds * 1000 ? requests[indexOf(caller, turn)] : undefined;
    },
    check: ({ status, headers, body }, caller, turn) => {
      latenciesMs.push(performance.now() - (sentAt[caller] ?? 0));
      check({ status, body, header: name => headers.get(name) }, indexOf(caller, turn));
    },
  });
  const answers = outcomes.get('200') ?? 0;
  if (answers === 0 || total(outcomes) !== answers) throw new Error(`bad answers: ${outcomesText(outcomes)}`);
  return { answers, seconds: (performance.now() - started) / 1000, latenciesMs };
}
