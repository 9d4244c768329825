/**
 * P1: the CPU a row must cost (echoing its bytes over bare `node:http`, and ONNX Runtime at its best batch) ÷ what it
 * costs through gateway and workers. The naive gateway is held to the same limit in the same pairs.
 */
import path from 'node:path';
import { echoes } from '../support/answer-check.ts';
import { startBareServer } from '../support/bare-server.ts';
import { type BenchModel, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { startNaive } from '../support/naive.ts';
import { bestBatch, RawOrt, type RawTiming, shortOfReference } from '../support/raw-ort.ts';
import { serveModel } from '../support/served-model.ts';
import { makeFigure } from './figure.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, ratios, type Subject } from './subjects.ts';

const CONNECTIONS = 128;
const SECONDS = 3;
const RAW_SECONDS = 1;
const RAW_BATCHES = [1, 32, 64, 128];

export const p1: Row = {
  id: 'P1',
  title: 'batched efficiency, large MLP, binary, 128 connections',
  budgetSeconds: 130,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const repository = path.join(bench.folder, 'models');
    const model = await prepareModel(repository, 'large');
    const raw: RawTiming[][] = [];
    const pairs = await measureSubjects(bench, 'large', subjects(repository, model), async pair => {
      bench.progress(`large pair ${pair + 1}/${bench.pairs} raw ONNX Runtime`);
      await using ort = await RawOrt.start(model);
      raw.push(await ort.measure(RAW_BATCHES, RAW_SECONDS * bench.scale, model.expected));
    });
    const ortUs = raw.map(timings => bestBatch(timings).cpuUsPerRow);
    const limitUs = pairs.map(({ echo }, i) => (echo?.cpuUs ?? Number.NaN) + (ortUs[i] ?? Number.NaN));
    const of = (name: string) =>
      pairs.map((pair, i) => (limitUs[i] ?? 0) / (pair[name]?.cpuUs ?? Number.NaN));
    const [headgate, naive] = [of('headgate'), of('naive')];
    const isVoid = raw
      .map(timings => shortOfReference('large', timings))
      .find(reason => reason !== undefined);
    const details = { pairs, ortUs, rawBatch: raw.map(timings => bestBatch(timings).batch) };
    const shared = { row: 'P1', unit: 'ratio', ...(isVoid !== undefined && { isVoid }) } as const;
    return [
      makeFigure({
        ...shared,
        name: 'CPU of the limit ÷ Headgate',
        all: headgate,
        cpu: median(headgate),
        target: { bound: 'least', value: 0.7, stretch: 0.8 },
        details,
      }),
      makeFigure({
        ...shared,
        name: 'CPU of the limit ÷ naive',
        all: naive,
        cpu: median(naive),
        details: {},
      }),
      makeFigure({
        ...shared,
        name: 'Headgate’s ÷ naive’s',
        all: headgate.map((ratio, i) => ratio / (naive[i] ?? Number.NaN)),
        target: { bound: 'least', value: 1 },
        details: {},
      }),
      makeFigure({
        ...shared,
        name: 'rows/s ÷ naive',
        all: ratios(pairs, 'headgate', 'naive', side => side.perSecond),
        details: {},
      }),
    ];
  },
};

function subjects(repository: string, model: BenchModel): Subject[] {
  const { requests, answers } = serveModel(model);
  const shared = { requests, connections: CONNECTIONS, seconds: SECONDS };
  const load = { ...shared, check: answers.check.bind(answers) };
  return [
    { name: 'headgate', load, start: folder => startHeadgate(repository, folder) },
    { name: 'naive', load, start: folder => startNaive(repository, model.name, folder) },
    {
      name: 'echo',
      load: { ...shared, check: echoes(requests) },
      start: folder => startBareServer('echo', folder),
    },
  ];
}
