/**
 * P5: p99 at 70 % of saturated Poisson load ÷ p99 of an ideal batcher on the very same arrivals, simulated with the
 * latencies ONNX Runtime alone has in as many processes as Headgate has instances. The ideal chooses the best of all
 * its rules for each trace, and neither HTTP nor the load generator costs it anything.
 *
 * Three more figures say where the rest comes from, against ideals whose runs take longer: as long as the runs of ONNX
 * Runtime alone did, each its own time instead of the median; as long as Headgate's own did, which had to share the
 * cores with HTTP and the generator; and as long as Headgate's own did at the same moment, as a machine that is slow
 * for a while is slow for any batcher. That one leaves the batcher, the way and the client.
 */
import path from 'node:path';
import { quantile } from '../../src/load/quantile.ts';
import type { Arrival } from '../simulator/queue.ts';
import type { TimedRun } from '../simulator/run-time-as-of.ts';
import { type BenchModel, type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { DEFAULT_INSTANCES, type EngineTable, measureEngine } from '../support/engine-table.ts';
import { startHeadgate } from '../support/headgate.ts';
import { arrivalsOf, fill, type Offered, offer, serveModel } from '../support/served-model.ts';
import { ServedRuns } from '../support/served-runs.ts';
import { makeFigure } from './figure.ts';
import { type Ideals, idealsOf } from './p5-ideals.ts';
import { measurePairs } from './pairs.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure, Row } from './row.ts';

const LOAD = 0.7;
/** Everybody is answered, however late: a tail without those refused would flatter. */
const CONFIG = 'timeoutMs: 30000\n';

export interface TailSubject {
  readonly name: BenchModelName;
  readonly title: string;
  readonly batches: readonly number[];
  readonly connections: number;
  readonly saturateSeconds: number;
  readonly seconds: number;
}

export const TAIL_SUBJECTS: readonly TailSubject[] = [
  {
    name: 'wide',
    title: 'wide MLP',
    batches: [1, 2, 4, 8, 16, 32, 64],
    connections: 128,
    saturateSeconds: 1.5,
    seconds: 5,
  },
  {
    name: 'recogniser',
    title: 'recogniser',
    batches: [1, 2, 4],
    connections: 8,
    saturateSeconds: 2,
    seconds: 10,
  },
];

export const p5: Row = {
  id: 'P5',
  title: 'tail at 70 % load: p99 ÷ an ideal batcher’s',
  budgetSeconds: 195,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const subject of subjectsOf(bench, TAIL_SUBJECTS))
      figures.push(...(await measureTail(bench, subject)));
    return figures;
  },
};

interface Pair {
  readonly engine: EngineTable;
  readonly saturatedPerSecond: number;
  readonly run: Offered;
  readonly servedRuns: readonly TimedRun[];
  readonly ideals: Ideals;
}

const SHOWN = { row: 'P5', unit: 'ratio', lessIsBetter: true, details: {} } as const;

interface Course {
  readonly bench: Bench;
  readonly subject: TailSubject;
  readonly model: BenchModel;
  readonly repository: string;
  readonly pair: number;
  readonly perSecond: number | undefined;
}

/** `perSecond`: what is offered instead of 70 % of what this gateway takes. */
export async function measureTail(
  bench: Bench,
  subject: TailSubject,
  perSecond?: number,
): Promise<readonly Figure[]> {
  const repository = path.join(bench.folder, subject.name);
  const model = await prepareModel(repository, subject.name, { config: CONFIG });
  const pairs = await measurePairs(bench, (pair, name) => {
    bench.progress(`${subject.title} ${name}`);
    return measurePair({ bench, subject, model, repository, pair, perSecond });
  });
  const reasons = pairs.flatMap(({ engine, run }) => engine.isVoid ?? run.generator.isVoid ?? []);
  for (const { run } of pairs) plotRun(bench, subject, run);
  const over = (ideal: keyof Ideals) => pairs.map(({ run, ideals }) => run.p99Ms / ideals[ideal].p99Ms);
  const shown = (name: string, ideal: keyof Ideals) =>
    makeFigure({ ...SHOWN, name: `${subject.title}, ${name}`, all: over(ideal) });
  return [
    makeFigure({
      row: 'P5',
      name: subject.title,
      unit: 'ratio',
      all: over('usual'),
      target: { bound: 'most', value: 1.5, stretch: 1.25 },
      ...(reasons[0] !== undefined && reasons.length * 2 > pairs.length && { isVoid: reasons[0] }),
      details: { instances: DEFAULT_INSTANCES, pairs: pairs.map(detailsOf) },
    }),
    shown('runs as of the engine alone', 'rawRuns'),
    shown('runs as they were', 'servedRuns'),
    shown('runs as they were, when they were', 'servedRunsInTime'),
  ];
}

async function measurePair(course: Course): Promise<Pair> {
  const { bench, model, pair } = course;
  const { batches } = course.subject;
  const seconds = Math.max(0.15, 0.4 * bench.scale);
  const measure = () => measureEngine(model, { batches, seconds, processes: DEFAULT_INSTANCES });
  const before = pair % 2 === 0 ? await measure() : undefined;
  const loaded = await loadHeadgate(course);
  const engine = before ?? (await measure());
  const arrivals: Arrival[] = Array.from(loaded.run.arrivals, at => ({ at, rows: 1 }));
  const setting = { servers: DEFAULT_INSTANCES, service: engine.latency, maxRows: engine.maxRows };
  return { ...loaded, engine, ideals: idealsOf(setting, arrivals, engine.runs, loaded.servedRuns) };
}

/** A fresh gateway: warmed up, saturated to know its rate, then the arrivals. */
async function loadHeadgate(
  course: Course,
): Promise<Pick<Pair, 'saturatedPerSecond' | 'run' | 'servedRuns'>> {
  const { model, repository, pair } = course;
  const { scale, folder } = course.bench;
  const { name, connections, saturateSeconds, seconds } = course.subject;
  await using server = await startHeadgate(repository, path.join(folder, `${name}-${pair}`));
  const served = serveModel(model);
  const loop = { connections, seconds: Math.max(1.5, scale * saturateSeconds) };
  await fill(server, served, loop);
  const { perSecond: saturatedPerSecond } = await fill(server, served, loop);
  const perSecond = course.perSecond ?? LOAD * saturatedPerSecond;
  await offer(server, served, { perSecond, seconds: Math.max(0.5, scale), seed: 1000 + pair });
  const measured = { perSecond, seconds: Math.max(1, seconds * scale), seed: pair };
  const runs = new ServedRuns(arrivalsOf(measured));
  const run = await offer(server, served, { ...measured, inspect: runs.see });
  return { saturatedPerSecond, run, servedRuns: runs.all };
}

function plotRun(bench: Bench, { title }: TailSubject, run: Offered): void {
  bench.plot({
    series: `${title}, 70 %`,
    offeredPerSecond: run.offeredPerSecond,
    answeredPerSecond: run.okPerSecond,
    p99Ms: run.p99Ms,
  });
}

function detailsOf({ engine, saturatedPerSecond, run, ideals }: Pair) {
  const { requests, outcomes, generator, offeredPerSecond, p99Ms } = run;
  return {
    n: requests,
    saturatedPerSecond,
    offeredPerSecond,
    p99Ms,
    p50Ms: quantile(run.okMs, 0.5),
    ideals,
    engineMs: engine.points,
    outcomes,
    generator,
  };
}
