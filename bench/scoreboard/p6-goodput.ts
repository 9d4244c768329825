/**
 * P6: the highest Poisson rate whose p99 stays within the SLO, 5 × ONNX Runtime's own time for one row, in every one
 * of the runs, ÷ the highest at which any rule of the simulator keeps it on the same arrivals. Each run is a fresh
 * gateway; the rate goes down a ladder of twentieths of the optimum until all have kept it, and one that kept a higher
 * rung is not asked again. A refused request counts as one that took forever, in both.
 */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type IdealRate, idealRate } from '../simulator/ideal.ts';
import type { Arrival } from '../simulator/queue.ts';
import { type BenchModel, prepareModel, RUNS_ALL } from '../support/bench-models.ts';
import { DEFAULT_INSTANCES, type EngineTable, measureEngine } from '../support/engine-table.ts';
import { startHeadgate } from '../support/headgate.ts';
import {
  arrivalsOf,
  fill,
  type Offered,
  offer,
  type ServedModel,
  serveModel,
} from '../support/served-model.ts';
import type { Server } from '../support/server.ts';
import { makeFigure } from './figure.ts';
import { TAIL_SUBJECTS, type TailSubject } from './p5-tail.ts';
import { measureCalmly } from './pairs.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure, Row } from './row.ts';

const SLO_RUNS = 5;
const RUNGS = Array.from({ length: 20 }, (_, i) => (i + 1) / 20);
const SECONDS: Readonly<Record<string, number>> = { wide: 4, recogniser: 8 };

export const p6: Row = {
  id: 'P6',
  title: 'goodput: highest Poisson rate with p99 ≤ 5 × ℓ(1) ÷ the simulated optimum',
  budgetSeconds: 190,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const subject of subjectsOf(bench, TAIL_SUBJECTS))
      figures.push(await measureGoodput(bench, subject));
    return figures;
  },
};

interface Course {
  readonly bench: Bench;
  readonly subject: TailSubject;
  readonly served: ServedModel;
  readonly repository: string;
  readonly engine: EngineTable;
  readonly sloMs: number;
  readonly seconds: number;
  readonly ideal: IdealRate;
  readonly runs: Run[];
}

interface Run {
  readonly run: number;
  readonly share: number;
  readonly n: number;
  readonly p99Ms: number;
  readonly isVoid: string | undefined;
  readonly generator: Offered['generator'];
}

export async function measureGoodput(bench: Bench, subject: TailSubject): Promise<Figure> {
  const course = await prepare(bench, subject);
  let rung = RUNGS.length - 1;
  const shares: number[] = [];
  for (let run = 0; run < bench.pairs && rung >= 0; run++) {
    rung = await descend(course, run, rung);
    shares.push(RUNGS[rung] ?? 0);
  }
  const { engine, sloMs, ideal, runs } = course;
  const late = runs.filter(({ isVoid }) => isVoid !== undefined);
  const reason = engine.isVoid ?? (late.length * 2 > runs.length ? late[0]?.isVoid : undefined);
  const figure = makeFigure({
    row: 'P6',
    name: subject.title,
    unit: 'ratio',
    all: shares,
    target: { bound: 'least', value: 0.8 },
    ...(reason !== undefined && { isVoid: reason }),
    details: {
      sloMs,
      instances: DEFAULT_INSTANCES,
      idealPerSecond: ideal.perMs * 1000,
      idealRule: ideal.name,
      engineMs: engine.points,
      runs,
    },
  });
  // Kept by every run, not by half of them.
  return { ...figure, value: Math.min(...shares) };
}

/** Measures the engine, declares the SLO to the gateway and finds the optimum on the arrivals that will be sent. */
async function prepare(bench: Bench, subject: TailSubject): Promise<Course> {
  const repository = path.join(bench.folder, subject.name);
  const model = await prepareModel(repository, subject.name);
  bench.progress(`${subject.title}: the optimum`);
  const engine = await measureCalmly(bench, () =>
    measureEngine(model, {
      batches: subject.batches,
      seconds: Math.max(0.2, 0.6 * bench.scale),
      processes: DEFAULT_INSTANCES,
    }),
  );
  const sloMs = Math.max(1, Math.floor(5 * engine.latency(1)));
  await declareSlo(repository, model, sloMs);
  const seconds = Math.max(1, (SECONDS[subject.name] ?? 5) * bench.scale);
  const setting = { servers: DEFAULT_INSTANCES, service: engine.latency, maxRows: engine.maxRows };
  const ideal = idealRate(setting, sloMs, perMs =>
    Array.from({ length: SLO_RUNS }, (_, seed) => {
      const arrivals = arrivalsOf({ perSecond: perMs * 1000, seconds, seed });
      return Array.from(arrivals, (at): Arrival => ({ at, rows: 1 }));
    }),
  );
  return { bench, subject, served: serveModel(model), repository, engine, sloMs, seconds, ideal, runs: [] };
}

async function declareSlo(repository: string, { name }: BenchModel, sloMs: number): Promise<void> {
  const added = process.env['BENCH_WITH'] ?? '';
  const config = `sloMs: ${sloMs}\ntimeoutMs: 30000\n${RUNS_ALL}\n${added}\n`;
  await writeFile(path.join(repository, name, 'config.yaml'), config);
}

/** From this rung down to the highest that a fresh gateway keeps; −1: none. The first of them searches by halves. */
async function descend(course: Course, run: number, from: number): Promise<number> {
  const { bench, repository, subject, served } = course;
  await using server = await startHeadgate(repository, path.join(bench.folder, `${subject.name}-${run}`));
  const seconds = Math.max(1, 2 * bench.scale);
  await fill(server, served, { connections: subject.connections, seconds });
  if (run > 0) {
    let rung = from;
    while (rung >= 0 && !(await keeps(course, server, run, rung))) rung--;
    return rung;
  }
  let [low, high] = [-1, from + 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await keeps(course, server, run, middle)) low = middle;
    else high = middle;
  }
  return low;
}

async function keeps(course: Course, server: Server, run: number, rung: number): Promise<boolean> {
  const { bench, subject, served, ideal, sloMs, seconds, runs } = course;
  const share = RUNGS[rung] ?? 0;
  bench.progress(`${subject.title} run ${run + 1}/${bench.pairs} at ${share.toFixed(2)} of the optimum`);
  const perSecond = share * ideal.perMs * 1000;
  const once = { ...bench, repeats: Math.min(1, bench.repeats) };
  const offered = await measureCalmly(once, () => offer(server, served, { perSecond, seconds, seed: run }));
  const { requests: n, p99Ms, generator, offeredPerSecond, okPerSecond } = offered;
  runs.push({ run, share, n, p99Ms, isVoid: generator.isVoid, generator });
  const series = `${subject.title} with an SLO`;
  bench.plot({ series, offeredPerSecond, answeredPerSecond: okPerSecond, p99Ms });
  return p99Ms <= sloMs;
}
