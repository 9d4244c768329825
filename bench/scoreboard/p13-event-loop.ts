/**
 * P13: how late the gateway's event loop runs, p99, while large JSON bodies come between small requests. Arrivals are
 * Poisson at a rate that leaves both cores room, so that the machine's own scheduling is not what is measured. The
 * gateway's metrics tell, as its operator sees it, and are void when an idle process beside it is as late; and a probe
 * within it tells how much of a delay was the loop's own work, which others on the machine disturb little.
 */
import path from 'node:path';
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { AnswerCheck } from '../support/answer-check.ts';
import { type BenchModel, prepareModel } from '../support/bench-models.ts';
import { decimals } from '../support/decimals.ts';
import { startHeadgate } from '../support/headgate.ts';
import { gatewayLoopDelayMs, IdleLoop, LoopProbe } from '../support/loop-delay.ts';
import { median } from '../support/median.ts';
import { type Encoding, inferPath, inferRequest } from '../support/oip.ts';
import type { Server } from '../support/server.ts';
import { makeFigure } from './figure.ts';
import { measurePairs } from './pairs.ts';
import type { Bench, Figure, Row } from './row.ts';

const SECONDS = 5;
const RATE = 150;
/** One large body for so many small requests: five a second. */
const SMALL_PER_LARGE = 29;
const TARGET_MS = 5;
/** With more refusals the loop had less to do than it should have. */
const MAX_REFUSED = 0.02;

interface Sample {
  readonly request: Buffer;
  readonly check: AnswerCheck;
  readonly row: number;
}

export const p13: Row = {
  id: 'P13',
  title: 'delay of the gateway’s event loop, p99, with 1 MB JSON bodies',
  budgetSeconds: 120,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const repository = path.join(bench.folder, 'models');
    const small = await prepareModel(repository, 'small', { rows: 64 });
    const image = await prepareModel(repository, 'image', { rows: 4, rowShape: [3, 224, 224] });
    // 150,000 numbers of four decimals are 1.05 MB.
    const echo = await prepareModel(repository, 'identity', { rows: 4, rowShape: [150_000] });
    const figures: Figure[] = [];
    for (const [name, large] of [
      ['1 MB in', image],
      ['1 MB in and out', echo],
    ] as const) {
      figures.push(...(await measureMix(bench, repository, name, mix(small, large))));
    }
    return figures;
  },
};

/** Requests in the order they are sent: small ones in binary and JSON by turns, then a large one in JSON. */
function mix(small: BenchModel, large: BenchModel): Sample[] {
  const smallCheck = new AnswerCheck(small.output, small.expected);
  const largeCheck = new AnswerCheck(large.output, large.expected);
  return large.rows.flatMap((_, i) => [
    ...Array.from({ length: SMALL_PER_LARGE }, (_, j) => {
      const row = (i * SMALL_PER_LARGE + j) % small.rows.length;
      return { request: requestOf(small, row, j % 2 === 0 ? 'binary' : 'json'), check: smallCheck, row };
    }),
    { request: requestOf(large, i, 'json'), check: largeCheck, row: i },
  ]);
}

function requestOf({ name, input, rowShape, rows }: BenchModel, row: number, encoding: Encoding): Buffer {
  const values = rows[row] ?? new Float32Array();
  const feed = {
    name: input,
    shape: [1, ...rowShape],
    values: encoding === 'json' ? decimals(values) : values,
  };
  return inferRequest(inferPath(name), [feed], encoding);
}

async function measureMix(
  bench: Bench,
  repository: string,
  name: string,
  samples: readonly Sample[],
): Promise<Figure[]> {
  const runs = await measurePairs(bench, (pair, title) => {
    bench.progress(`${name} ${title}`);
    const folder = path.join(bench.folder, `${name}-${pair}`.replaceAll(' ', '-'));
    return measureRun(repository, folder, samples, SECONDS * bench.scale, pair);
  });
  const shared = { row: 'P13', unit: 'ms', target: { bound: 'most', value: TARGET_MS } } as const;
  const isRefused = median(runs.map(run => run.load.refusedShare)) > MAX_REFUSED;
  const refused = isRefused ? 'too many requests were refused: the machine is busy otherwise' : undefined;
  const isIdleLate = median(runs.map(run => run.idleMs)) > TARGET_MS;
  return [
    makeFigure({
      ...shared,
      name: `${name}, by its metrics`,
      all: runs.map(run => run.metricsMs),
      details: { runs },
      ...voidWhen(isIdleLate ? 'an idle process was as late' : refused),
    }),
    makeFigure({
      ...shared,
      name: `${name}, its own work`,
      all: runs.map(run => run.ownMs),
      details: {},
      ...voidWhen(refused),
    }),
  ];
}

const voidWhen = (isVoid: string | undefined) => (isVoid === undefined ? {} : { isVoid });

async function measureRun(
  repository: string,
  folder: string,
  samples: readonly Sample[],
  seconds: number,
  seed: number,
) {
  const probe = new LoopProbe(folder);
  await using server = await startHeadgate(repository, folder, {}, probe);
  await using beside = new IdleLoop();
  const read = async () => ({
    metricsMs: await gatewayLoopDelayMs(server),
    ownMs: await probe.delayMs(server),
    idleMs: await beside.delayMs(),
  });
  await offer(server, samples, Math.max(2, seconds / 2), seed);
  await read();
  const load = await offer(server, samples, Math.max(2, seconds), seed + 100);
  return { ...(await read()), load };
}

/** Rejects when an answer is wrong or lost; refusals are counted. */
async function offer(server: Server, samples: readonly Sample[], seconds: number, seed: number) {
  const sampleOf = (index: number) => samples[index % samples.length] as Sample;
  const { outcomes, firsts, okMs, generator, requests, okPerSecond } = await openLoop({
    host: '127.0.0.1',
    port: server.port,
    requests: samples.map(sample => sample.request),
    arrivals: poissonArrivals(RATE, Math.round(RATE * seconds), seed),
    check: (reply, index) => sampleOf(index).check.check(reply, sampleOf(index).row),
  });
  const refused = outcomes['429'] + outcomes['503'] + outcomes['504'];
  if (outcomes.ok + refused !== requests) {
    throw new Error(`bad answers: ${JSON.stringify({ outcomes, firsts })}`);
  }
  return {
    okPerSecond,
    refusedShare: refused / requests,
    p50Ms: okMs[okMs.length >> 1],
    p99Ms: okMs[Math.floor(okMs.length * 0.99)],
    generator,
  };
}
