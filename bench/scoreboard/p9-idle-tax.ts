/**
 * P9: what a request waits for besides the model when nothing else is asked: p50 at one connection − p50 of the raw run.
 * Beside it what two bare servers take that only forward and echo the same bytes: a worker in a process of its own
 * costs as much however little is done on the way.
 */
import path from 'node:path';
import { echoes } from '../support/answer-check.ts';
import { type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { RawOrt } from '../support/raw-ort.ts';
import { serveModel } from '../support/served-model.ts';
import { startTwoHops } from '../support/two-hops.ts';
import { makeFigure } from './figure.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects } from './subjects.ts';

const SECONDS = 2;
const RAW_SECONDS = 0.5;
const MODELS = ['small', 'large'] as const satisfies readonly BenchModelName[];

export const p9: Row = {
  id: 'P9',
  title: 'idle tax: p50 at one connection − the raw run’s p50, binary',
  budgetSeconds: 70,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const name of MODELS) {
      const repository = path.join(bench.folder, name);
      const model = await prepareModel(repository, name);
      const { requests, answers } = serveModel(model);
      const load = { requests, connections: 1, seconds: SECONDS, check: answers.check.bind(answers) };
      const start = (folder: string) => startHeadgate(repository, folder);
      const hops = { ...load, check: echoes(requests) };
      const rawMs: number[] = [];
      const subjects = [
        { name: 'headgate', load, start },
        { name: 'hops', load: hops, start: startTwoHops },
      ];
      const pairs = await measureSubjects(bench, name, subjects, async () => {
        await using ort = await RawOrt.start(model);
        const [timing] = await ort.measure([1], RAW_SECONDS * bench.scale, model.expected);
        rawMs.push(timing?.p50Ms ?? Number.NaN);
      });
      const all = pairs.map(({ headgate }, i) => (headgate?.p50Ms ?? Number.NaN) - (rawMs[i] ?? Number.NaN));
      const target = { bound: 'most', value: 0.4 } as const;
      const bare = pairs.map(pair => pair['hops']?.p50Ms ?? Number.NaN);
      const shared = { row: 'P9', unit: 'ms' } as const;
      figures.push(
        makeFigure({ ...shared, name, all, target, details: { pairs, rawMs } }),
        makeFigure({ ...shared, name: `${name}, two bare hops`, all: bare, details: {} }),
      );
    }
    return figures;
  },
};
