/**
 * P11: what worker processes cost, and what a run thread of its own costs within them. Rows a second of Headgate as it is ÷
 * with its sessions in threads of the gateway, and ÷ with sessions on the workers' I/O threads.
 */
import path from 'node:path';
import { startVariant, type Variant } from '../isolation/start-variant.ts';
import { type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { serveModel } from '../support/served-model.ts';
import { makeFigure } from './figure.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, ratios, type Subject } from './subjects.ts';

const CONNECTIONS = 128;
const SECONDS = 2;

/** Least ratio of processes to threads of the gateway. */
const MODELS = [
  ['small', 0.8],
  ['large', 0.97],
] as const satisfies readonly (readonly [BenchModelName, number])[];

export const p11: Row = {
  id: 'P11',
  title: 'isolation: worker processes ÷ threads of the gateway; I/O and run thread ÷ one thread',
  budgetSeconds: 240,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const [name, least] of MODELS) figures.push(...(await measureModel(bench, name, least)));
    return figures;
  },
};

async function measureModel(bench: Bench, name: BenchModelName, least: number): Promise<Figure[]> {
  const repository = path.join(bench.folder, name);
  const { requests, answers } = serveModel(await prepareModel(repository, name));
  const load = {
    requests,
    connections: CONNECTIONS,
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
      target: { bound: 'least', value: least },
      details: { pairs },
    }),
    makeFigure({ ...against('one-thread-worker'), name: `${name}: two threads ÷ one`, details: {} }),
  ];
}
