/**
 * P10: correct answers within their deadline per second at 3 and 10 times what the model can do ÷ its peak, and how
 * soon the others are told no. The peak is the mean of one measured before and one after: the machine's speed moves.
 * The model is the wide MLP, one instance, one row a run, so that it saturates far below what the gateway and the load
 * generator can carry.
 */
import path from 'node:path';
import { quantile } from '../../src/load/quantile.ts';
import { prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { fill, type Offered, offer, type ServedModel, serveModel } from '../support/served-model.ts';
import { makeFigure } from './figure.ts';
import { measurePairs } from './pairs.ts';
import type { Bench, Figure, Row } from './row.ts';

const TIMEOUT_MS = 500;
/** One runs, one is on its way, one waits: saturated, with nobody near the deadline. */
const CONNECTIONS = 3;
const SECONDS = 4;
/** Above it, it is not the model that is overloaded. */
const MOST_PER_SECOND = 300;
const CONFIG = `maxBatchSize: 1
timeoutMs: ${TIMEOUT_MS}
instances: [{ kind: cpu, count: 1 }]
`;
const LOADS = [
  { times: 3, least: 0.95 },
  { times: 10, least: 0.9 },
];

export const p10: Row = {
  id: 'P10',
  title: 'overload: goodput at 3 × and 10 × saturation ÷ peak, and p99 of refusals',
  budgetSeconds: 150,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const repository = path.join(bench.folder, 'models');
    const served = serveModel(await prepareModel(repository, 'wide', { config: CONFIG }));
    const pairs = await measurePairs(bench, (pair, name) => {
      const progress = (text: string) => bench.progress(`${name} ${text}`);
      return measurePair({ ...bench, progress }, served, repository, pair);
    });
    return [...LOADS.flatMap(({ times, least }, i) => figuresOf(times, least, pairs, i)), recovery(pairs)];
  },
};

interface Pair {
  /** Of the runs: the peak before and the one after each, whose mean it is held against. */
  readonly peaks: readonly number[];
  readonly runs: readonly Offered[];
}

async function measurePair(
  bench: Bench,
  served: ServedModel,
  repository: string,
  pair: number,
): Promise<Pair> {
  await using server = await startHeadgate(repository, path.join(bench.folder, `gateway-${pair}`));
  const seconds = Math.max(1, SECONDS * bench.scale);
  const peak = async () => {
    bench.progress('peak');
    return (await fill(server, served, { connections: CONNECTIONS, seconds })).perSecond;
  };
  await fill(server, served, { connections: CONNECTIONS, seconds: seconds / 2 });
  const runs: Offered[] = [];
  const peaks = [await peak()];
  for (const { times } of LOADS) {
    bench.progress(`${times} × saturation`);
    const perSecond = times * (peaks.at(-1) ?? 0);
    const run = await offer(server, served, { perSecond, seconds, seed: pair });
    const { offeredPerSecond, p99Ms } = run;
    bench.plot({
      series: 'overload: goodput',
      offeredPerSecond,
      answeredPerSecond: goodput(run),
      p99Ms: Number.isFinite(p99Ms) ? p99Ms : quantile(run.okMs, 0.99),
    });
    runs.push(run);
    peaks.push(await peak());
  }
  return { peaks, runs };
}

/** What overload leaves behind: a lower peak after it would flatter the goodput that is held against it. */
function recovery(pairs: readonly Pair[]): Figure {
  const all = pairs.map(({ peaks }) => (peaks.at(-1) ?? Number.NaN) / (peaks[0] ?? Number.NaN));
  return makeFigure({ row: 'P10', name: 'peak after ÷ before', unit: 'ratio', all, details: {} });
}

/** Correct answers within the deadline, per second. */
function goodput({ okMs, seconds }: Offered): number {
  return okMs.filter(ms => ms <= TIMEOUT_MS).length / seconds;
}

function figuresOf(times: number, least: number, pairs: readonly Pair[], load: number): Figure[] {
  const runs = pairs.map(pair => pair.runs[load] as Offered);
  const late = runs.flatMap(({ generator }) => generator.isVoid ?? []);
  const peaks = pairs.map(pair => ((pair.peaks[load] ?? 0) + (pair.peaks[load + 1] ?? 0)) / 2);
  const fastest = Math.max(...peaks);
  const reason =
    fastest > MOST_PER_SECOND
      ? `it saturates at ${Math.round(fastest)} per second, above ${MOST_PER_SECOND}`
      : late.length * 2 > runs.length
        ? late[0]
        : undefined;
  const shared = { row: 'P10', ...(reason !== undefined && { isVoid: reason }) };
  return [
    makeFigure({
      ...shared,
      name: `goodput at ${times} ×`,
      unit: 'ratio',
      all: runs.map((run, i) => goodput(run) / (peaks[i] ?? Number.NaN)),
      target: { bound: 'least', value: least },
      details: {
        peaksPerSecond: pairs.map(pair => pair.peaks),
        runs: runs.map(({ requests, outcomes, generator, okMs }) => ({
          n: requests,
          outcomes,
          generator,
          okP50Ms: quantile(okMs, 0.5),
          okP99Ms: quantile(okMs, 0.99),
        })),
      },
    }),
    makeFigure({
      ...shared,
      name: `refusals’ p99 at ${times} ×`,
      unit: 'ms',
      all: runs.map(({ refusedMs }) => quantile(refusedMs, 0.99)),
      target: { bound: 'most', value: 10 },
      details: {
        n: runs.map(({ refusedMs }) => refusedMs.length),
        p50Ms: runs.map(({ refusedMs }) => quantile(refusedMs, 0.5)),
      },
    }),
  ];
}
