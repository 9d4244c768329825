/**
 * P3: MB/s of large binary tensors through gateway and worker ÷ through two bare servers with a Unix socket between them,
 * which receive, forward and answer the same bytes whole. The same load generator for both.
 */
import path from 'node:path';
import { echoes } from '../support/answer-check.ts';
import { prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { serveModel } from '../support/served-model.ts';
import { startTwoHops } from '../support/two-hops.ts';
import { makeFigure } from './figure.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, ratios } from './subjects.ts';

const CONNECTIONS = 4;
const SIZES = [
  { name: '1 MB', floats: 2 ** 18, rows: 8, seconds: 2 },
  { name: '16 MB', floats: 2 ** 22, rows: 2, seconds: 3 },
] as const;

export const p3: Row = {
  id: 'P3',
  title: 'large tensor: MB/s of binary identity ÷ a bare two-hop echo',
  budgetSeconds: 110,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const size of subjectsOf(bench, SIZES)) figures.push(await measureSize(bench, size));
    return figures;
  },
};

async function measureSize(
  bench: Bench,
  { name, floats, rows, seconds }: (typeof SIZES)[number],
): Promise<Figure> {
  const repository = path.join(bench.folder, name.replace(' ', '-'));
  const { requests, answers } = serveModel(
    // A slow moment of the machine is no reason to give up: the bare side has no deadline either.
    await prepareModel(repository, 'identity', { rows, rowShape: [floats], config: 'timeoutMs: 30000\n' }),
  );
  const shared = { requests, connections: CONNECTIONS, seconds };
  const pairs = await measureSubjects(bench, name, [
    {
      name: 'headgate',
      load: { ...shared, check: answers.check.bind(answers) },
      start: folder => startHeadgate(repository, folder),
    },
    {
      name: 'bare',
      load: { ...shared, check: echoes(requests) },
      start: startTwoHops,
    },
  ]);
  return makeFigure({
    row: 'P3',
    name,
    unit: 'ratio',
    all: ratios(pairs, 'headgate', 'bare', side => side.perSecond),
    target: { bound: 'least', value: 0.8 },
    cpu: median(ratios(pairs, 'bare', 'headgate', side => side.cpuUs)),
    details: { pairs, megabytes: (floats * 4) / 2 ** 20 },
  });
}
