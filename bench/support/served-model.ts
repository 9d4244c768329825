/** A bench model as requests to a server, in closed and open loop, with every answer's value checked. */
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { type OpenLoopResult, openLoop } from '../../src/load/open-loop.ts';
import { quantile } from '../../src/load/quantile.ts';
import type { Reply } from '../../src/load/reply.ts';
import { AnswerCheck } from './answer-check.ts';
import type { BenchModel } from './bench-models.ts';
import { inferPath, inferRequest } from './oip.ts';
import { aheadOfOthers } from './real-time.ts';
import { type Saturated, saturate } from './saturate.ts';
import type { Server } from './server.ts';

export interface ServedModel {
  readonly model: BenchModel;
  /** One binary request of one row for each sample row. */
  readonly requests: readonly Buffer[];
  readonly answers: AnswerCheck;
}

/** `as`: under which name it is served, when not its own. */
export function serveModel(model: BenchModel, as = model.name): ServedModel {
  const requests = model.rows.map(values =>
    inferRequest(inferPath(as), [{ name: model.input, shape: [1, ...model.rowShape], values }], 'binary'),
  );
  return { model, requests, answers: new AnswerCheck(model.output, model.expected) };
}

export interface ClosedLoop {
  readonly connections: number;
  readonly seconds: number;
}

/** As much as it takes. Rejects when an answer is missing or wrong. */
export function fill(
  server: Server,
  { requests, answers }: ServedModel,
  loop: ClosedLoop,
): Promise<Saturated> {
  return saturate(server, { ...loop, requests, check: (reply, row) => answers.check(reply, row) });
}

export interface Offer {
  readonly perSecond: number;
  readonly seconds: number;
  readonly seed: number;
  readonly timeoutMs?: number;
  /** Sees every answer, which is valid only during the call, its request's place in the arrivals and its latency. */
  readonly inspect?: (reply: Reply, index: number, latencyMs: number) => void;
}

export interface Offered extends OpenLoopResult {
  readonly arrivals: Float64Array;
  /** Of all requests: one that was refused or lost took forever. */
  readonly p99Ms: number;
}

/** Poisson arrivals. Rejects when an answer is wrong, lost or of another kind than a refusal. */
export async function offer(server: Server, served: ServedModel, offer: Offer): Promise<Offered> {
  const { requests, answers } = served;
  const arrivals = arrivalsOf(offer);
  const result = await aheadOfOthers(() =>
    openLoop({
      host: '127.0.0.1',
      port: server.port,
      requests,
      arrivals,
      timeoutMs: offer.timeoutMs ?? 10_000,
      maxConnections: 1024,
      check: (reply, index) => answers.check(reply, index % requests.length),
      ...(offer.inspect && { inspect: offer.inspect }),
    }),
  );
  const { outcomes, firsts } = result;
  if (outcomes.wrong + outcomes.lost + outcomes.other + outcomes.unconnected > 0) {
    throw new Error(`bad answers: ${JSON.stringify({ outcomes, firsts })}`);
  }
  return { ...result, arrivals, p99Ms: p99Of(result) };
}

export function arrivalsOf({ perSecond, seconds, seed }: Offer): Float64Array {
  return poissonArrivals(perSecond, Math.max(1, Math.round(perSecond * seconds)), seed);
}

function p99Of({ okMs, requests }: OpenLoopResult): number {
  const missing = new Array<number>(requests - okMs.length).fill(Number.POSITIVE_INFINITY);
  return quantile([...okMs, ...missing], 0.99);
}
