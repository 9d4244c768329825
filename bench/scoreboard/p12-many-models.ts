/** P12, the other half: rows per second of one busy model beside 0, 9 and 99 loaded ones that nobody asks. */
import path from 'node:path';
import { type BenchModel, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { copyModel } from '../support/model-copies.ts';
import type { Saturated } from '../support/saturate.ts';
import { fill, serveModel } from '../support/served-model.ts';
import type { Server } from '../support/server.ts';
import { makeFigure } from './figure.ts';
import { measurePairs } from './pairs.ts';
import { isQuick } from './quick.ts';
import type { Bench, Figure } from './row.ts';

const COUNTS = [1, 10, 100];
/** A start with 100 models takes longer than all the rest of a quick run. */
const QUICK_COUNTS = [1, 10];
const CONNECTIONS = 128;
const SECONDS = 2;
/** A turn is short beside the start of a hundred models. */
const ROUNDS_PER_PAIR = 2;

/** The three gateways live side by side and are loaded in turn: a start with 100 models takes longer than a measurement. */
export async function measureManyModels(bench: Bench): Promise<Figure[]> {
  const model = await prepareModel(path.join(bench.folder, 'small-original'), 'small');
  await using servers = new AsyncDisposableStack();
  const started: Server[] = [];
  const counts = isQuick(bench) ? QUICK_COUNTS : COUNTS;
  for (const count of counts) {
    bench.progress(`a gateway with ${count} models`);
    started.push(servers.use(await startWith(bench, model, count)));
  }
  const served = serveModel(model, 'model-0');
  const loop = { connections: CONNECTIONS, seconds: Math.max(0.7, SECONDS * bench.scale) };
  for (const server of started) await fill(server, served, loop);
  const more = { pairs: bench.pairs * ROUNDS_PER_PAIR, repeats: bench.repeats * ROUNDS_PER_PAIR };
  const rounds = await measurePairs({ ...bench, ...more }, async (round, name) => {
    bench.progress(`many models, ${name}`);
    const found: Saturated[] = [];
    const order = counts.map((_, i) => (i + round) % counts.length);
    for (const i of order) found[i] = await fill(started[i] as Server, served, loop);
    return found;
  });
  return counts.slice(1).map((count, i) => figureOf(count, i + 1, rounds));
}

async function startWith(bench: Bench, model: BenchModel, count: number): Promise<Server> {
  const repository = path.join(bench.folder, `models-${count}`);
  for (let i = 0; i < count; i++) await copyModel(repository, model, `model-${i}`);
  return startHeadgate(repository, path.join(bench.folder, `gateway-${count}`));
}

function figureOf(count: number, index: number, rounds: readonly (readonly Saturated[])[]): Figure {
  const ratios = (pick: (side: Saturated) => number) =>
    rounds.map(found => pick(found[index] as Saturated) / pick(found[0] as Saturated));
  return makeFigure({
    row: 'P12',
    name: `${count} models ÷ 1`,
    unit: 'ratio',
    all: ratios(side => side.perSecond),
    cpu: 1 / median(ratios(side => side.cpuUs)),
    target: { bound: 'least', value: 0.95 },
    details: { rounds },
  });
}
