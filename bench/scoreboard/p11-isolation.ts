/**
 * P11: what worker processes cost, and what a run thread of its own costs within them. Rows a second of Headgate as it is ÷
 * with its sessions in threads of the gateway, and ÷ with sessions on the workers' I/O threads. The CNN shows the price
 * of that last design where models are slow: instances that share a worker take turns.
 */
import path from 'node:path';
import { startVariant, type Variant } from '../isolation/start-variant.ts';
import { type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { serveModel } from '../support/served-model.ts';
import { makeFigure } from './figure.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, ratios, type Subject } from './subjects.ts';

const SECONDS = 2;

interface Isolated {
  readonly name: BenchModelName;
  readonly connections: number;
  /** Of processes to threads of the gateway; absent: only shown. */
  readonly leastRatio?: number;
}

const MODELS: readonly Isolated[] = [
  { name: 'small', connections: 128, leastRatio: 0.8 },
  { name: 'large', connections: 128, leastRatio: 0.97 },
  { name: 'direction', connections: 32 },
];

export const p11: Row = {
  id: 'P11',
  title: 'isolation: worker processes ÷ threads of the gateway; I/O and run thread ÷ one thread',
  budgetSeconds: 330,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const model of subjectsOf(bench, MODELS)) figures.push(...(await measureModel(bench, model)));
    return figures;
  },
};

async function measureModel(bench: Bench, { name, connections, leastRatio }: Isolated): Promise<Figure[]> {
  const repository = path.join(bench.folder, name);
  // What is compared is the rows, not who is refused.
  const model = await prepareModel(repository, name, { config: 'timeoutMs: 30000\n' });
  const { requests, answers } = serveModel(model);
  const load = {
    requests,
    connections,
    seconds: SECONDS,
    check: answers.check.bind(answers),
  };
  const variant = (one: Variant): Subject => ({
    name: one,
    load,
    start: folder => startVariant(one, repository, folder),
  });
  const pairs = await measureSubjects(bench, name, [
    { name: 'headgate', load, start: folder => startHeadgate(repository, folder) },
    variant('thread-of-gateway'),
    variant('one-thread-worker'),
  ]);
  const against = (other: Variant) => ({
    row: 'P11',
    unit: 'ratio' as const,
    all: ratios(pairs, 'headgate', other, side => side.perSecond),
    cpu: median(ratios(pairs, other, 'headgate', side => side.cpuUs)),
  });
  return [
    makeFigure({
      ...against('thread-of-gateway'),
      name: `${name}: processes ÷ threads`,
      ...(leastRatio !== undefined && { target: { bound: 'least', value: leastRatio } }),
      details: { pairs },
    }),
    makeFigure({ ...against('one-thread-worker'), name: `${name}: two threads ÷ one`, details: {} }),
  ];
}
