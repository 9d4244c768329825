/**
 * `npm run bench:send-ahead [-- --pairs 5]`: what sending the next batch ahead of the end of the one that runs is worth,
 * on P1's load and on P5's. Both ways in turns: fresh gateways, and for the tails the very same arrivals. It only shows.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeFigure } from './scoreboard/figure.ts';
import { figuresTable } from './scoreboard/figures-table.ts';
import { TAIL_SUBJECTS, type TailSubject } from './scoreboard/p5-tail.ts';
import { measurePairs, repeatsFor } from './scoreboard/pairs.ts';
import type { Bench, Figure } from './scoreboard/row.ts';
import { measureSubjects, ratios, type Subject } from './scoreboard/subjects.ts';
import { type BenchModel, type BenchModelName, prepareModel } from './support/bench-models.ts';
import { startHeadgate } from './support/headgate.ts';
import { median } from './support/median.ts';
import { printTable, progress, writeResult } from './support/report.ts';
import { fill, offer, serveModel } from './support/served-model.ts';
import { TempFolder } from './support/temp-folder.ts';

const WAYS = { ahead: 'timeoutMs: 30000\n', after: 'timeoutMs: 30000\nbatching: { sendAhead: false }\n' };
type Way = keyof typeof WAYS;
const BOTH: readonly Way[] = ['ahead', 'after'];
/** Of what the first of a pair takes; offered to both. */
const LOAD = 0.7;

const { values: args } = parseArgs({ options: { pairs: { type: 'string', default: '5' } } });
await using folder = await TempFolder.create();
const bench: Bench = {
  pairs: Number(args.pairs),
  repeats: repeatsFor(Number(args.pairs)),
  scale: 1,
  folder: folder.path,
  progress,
  kept: () => undefined,
  plot: () => undefined,
};
const figures: Figure[] = [...(await saturated('large'))];
for (const subject of TAIL_SUBJECTS) figures.push(await tail(subject));
printTable(figuresTable(figures));
console.log(
  'ahead ÷ after: more rows and fewer ms are better; a CPU ratio above 1 says that ahead takes less',
);
console.log(writeResult('send-ahead', figures));

function repositoryOf(name: BenchModelName, way: Way): string {
  return path.join(folder.path, `${name}-${way}`, 'models');
}

function prepare(name: BenchModelName, way: Way) {
  return prepareModel(repositoryOf(name, way), name, { config: WAYS[way] });
}

/** P1's load: 128 connections, as fast as they go. */
async function saturated(name: BenchModelName): Promise<Figure[]> {
  const subjects: Subject[] = [];
  for (const way of BOTH) {
    const { requests, answers } = serveModel(await prepare(name, way));
    const load = { requests, connections: 128, seconds: 2, check: answers.check.bind(answers) };
    subjects.push({ name: way, load, start: place => startHeadgate(repositoryOf(name, way), place) });
  }
  const pairs = await measureSubjects(bench, name, subjects);
  const all = ratios(pairs, 'ahead', 'after', side => side.perSecond);
  const cpu = median(ratios(pairs, 'after', 'ahead', side => side.cpuUs));
  return [
    makeFigure({ row: 'P1', name: `${name} MLP, rows/s`, unit: 'ratio', all, cpu, details: { pairs } }),
  ];
}

/** P5's load: Poisson arrivals at 70 % of what the first of the two takes. */
async function tail(subject: TailSubject): Promise<Figure> {
  const models = { ahead: await prepare(subject.name, 'ahead'), after: await prepare(subject.name, 'after') };
  const pairs = await measurePairs(bench, async (pair, name) => {
    const p99Ms: Record<Way, number> = { ahead: Number.NaN, after: Number.NaN };
    let perSecond: number | undefined;
    for (const way of pair % 2 === 0 ? BOTH : BOTH.toReversed()) {
      progress(`${subject.title} ${name} ${way}`);
      const run = await loaded({ subject, way, pair, model: models[way] }, perSecond);
      perSecond = run.perSecond;
      p99Ms[way] = run.p99Ms;
    }
    return p99Ms;
  });
  const all = pairs.map(({ ahead, after }) => ahead / after);
  return makeFigure({
    row: 'P5',
    name: `${subject.title}, p99`,
    unit: 'ratio',
    all,
    details: { p99Ms: pairs },
  });
}

interface Turn {
  readonly subject: TailSubject;
  readonly way: Way;
  readonly pair: number;
  readonly model: BenchModel;
}

async function loaded({ subject, way, pair, model }: Turn, offered: number | undefined) {
  const { name, connections, saturateSeconds, seconds } = subject;
  const place = path.join(folder.path, `${name}-${way}`, `gateway-${pair}`);
  await mkdir(place);
  await using server = await startHeadgate(repositoryOf(name, way), place);
  const served = serveModel(model);
  const loop = { connections, seconds: saturateSeconds };
  await fill(server, served, loop);
  const perSecond = offered ?? LOAD * (await fill(server, served, loop)).perSecond;
  await offer(server, served, { perSecond, seconds: 1, seed: 1000 + pair });
  const { p99Ms } = await offer(server, served, { perSecond, seconds, seed: pair });
  return { perSecond, p99Ms };
}
