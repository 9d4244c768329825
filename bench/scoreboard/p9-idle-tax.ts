/**
 * P9: what a request waits for besides the model when nothing else is asked: p50 at one connection − p50 of the raw run.
 * Beside it what two bare servers take that only forward and echo the same bytes, the second after being busy for as
 * long as a run: a worker in a process of its own costs as much however little is done on the way.
 */
import path from 'node:path';
import { startVariant } from '../isolation/start-variant.ts';
import { echoes } from '../support/answer-check.ts';
import { type BenchModel, type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { RawOrt } from '../support/raw-ort.ts';
import { serveModel } from '../support/served-model.ts';
import { startTwoHops } from '../support/two-hops.ts';
import { makeFigure } from './figure.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, type Subject } from './subjects.ts';

const SECONDS = 2;
const RAW_SECONDS = 0.5;
const WARMUP_CONNECTIONS = 32;
const MODELS = ['small', 'large'] as const satisfies readonly BenchModelName[];

export const p9: Row = {
  id: 'P9',
  title: 'idle tax: p50 at one connection − the raw run’s p50, binary',
  budgetSeconds: 200,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const name of subjectsOf(bench, MODELS)) figures.push(...(await measureModel(bench, name)));
    return figures;
  },
};

async function measureModel(bench: Bench, name: BenchModelName): Promise<Figure[]> {
  const repository = path.join(bench.folder, name);
  const model = await prepareModel(repository, name);
  const { requests, answers } = serveModel(model);
  const load = { requests, connections: 1, seconds: SECONDS, check: answers.check.bind(answers) };
  const shared = { load, warmupConnections: WARMUP_CONNECTIONS };
  const runMs = await rawRunMs(bench, model);
  const rawMs: number[] = [];
  const subjects: Subject[] = [
    { ...shared, name: 'headgate', start: folder => startHeadgate(repository, folder) },
    {
      ...shared,
      name: 'one-thread',
      start: folder => startVariant('one-thread-worker', repository, folder),
    },
    {
      ...shared,
      name: 'hops',
      load: { ...load, check: echoes(requests) },
      start: folder => startTwoHops(folder, runMs),
    },
  ];
  const pairs = await measureSubjects(bench, name, subjects, async () => {
    rawMs.push(await rawRunMs(bench, model));
  });
  const p50 = (who: string) => pairs.map(pair => pair[who]?.p50Ms ?? Number.NaN);
  const overRaw = (who: string) => p50(who).map((ms, i) => ms - (rawMs[i] ?? Number.NaN));
  const inMs = { row: 'P9', unit: 'ms' } as const;
  const target = { bound: 'most', value: 0.4 } as const;
  return [
    makeFigure({ ...inMs, name, all: overRaw('headgate'), target, details: { pairs, rawMs } }),
    makeFigure({ ...inMs, name: `${name}, workers of one thread`, all: overRaw('one-thread'), details: {} }),
    makeFigure({
      ...inMs,
      name: `${name}, two bare hops, one as busy`,
      all: p50('hops').map(ms => ms - runMs),
      details: { runMs },
    }),
  ];
}

/** p50 of a run of one row, with nothing else on the machine. */
async function rawRunMs(bench: Bench, model: BenchModel): Promise<number> {
  await using ort = await RawOrt.start(model);
  const [timing] = await ort.measure([1], RAW_SECONDS * bench.scale, model.expected);
  return timing?.p50Ms ?? Number.NaN;
}
