/**
 * P7: what a row costs ONNX Runtime at its best batch ÷ what it costs at the batches Headgate formed under saturation,
 * each batch counted with its rows. 1 means that no batch could have been chosen better.
 */
import path from 'node:path';
import { type BatchSizes, meanRows, readBatchSizes, runsSince } from '../support/batch-sizes.ts';
import { type BenchModel, type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { type EngineTable, measureEngine } from '../support/engine-table.ts';
import { startHeadgate } from '../support/headgate.ts';
import { fill, serveModel } from '../support/served-model.ts';
import { makeFigure } from './figure.ts';
import { measurePairs } from './pairs.ts';
import type { Bench, Figure, Row } from './row.ts';

const CONNECTIONS = 128;
const SECONDS = 3;
const BATCHES = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128];
const NAMES: readonly BenchModelName[] = ['small', 'large'];

export const p7: Row = {
  id: 'P7',
  title: 'batching gain: ORT’s cost of a row at its best batch ÷ at the batches formed',
  budgetSeconds: 90,
  run: bench => measureGains(bench),
};

interface Pair {
  readonly engine: EngineTable;
  readonly sizes: BatchSizes;
}

/** `config`: the text of the models' `config.yaml`. */
export async function measureGains(bench: Bench, config?: string): Promise<readonly Figure[]> {
  const repository = path.join(bench.folder, 'models');
  const models: BenchModel[] = [];
  for (const name of NAMES) models.push(await prepareModel(repository, name, config ? { config } : {}));
  const pairs = await measurePairs(bench, async (pair, name) => {
    bench.progress(name);
    const found = await formBatches(bench, models, repository, pair);
    const measured = new Map<string, Pair>();
    for (const model of models) {
      const engine = await measureEngine(model, {
        batches: BATCHES,
        seconds: Math.max(0.1, 0.2 * bench.scale),
        processes: 1,
      });
      measured.set(model.name, { engine, sizes: found.get(model.name) ?? new Map() });
    }
    return measured;
  });
  return models.map(({ name }) =>
    figureOf(
      name,
      pairs.map(pair => pair.get(name) as Pair),
    ),
  );
}

/** In a fresh gateway, under saturation: the batches each model ran. */
async function formBatches(
  { folder, scale }: Bench,
  models: readonly BenchModel[],
  repository: string,
  pair: number,
): Promise<Map<string, BatchSizes>> {
  const found = new Map<string, BatchSizes>();
  await using server = await startHeadgate(repository, path.join(folder, `gateway-${pair}`));
  for (const model of pair % 2 === 0 ? models : [...models].reverse()) {
    const served = serveModel(model);
    await fill(server, served, { connections: CONNECTIONS, seconds: Math.max(1, (SECONDS / 2) * scale) });
    const before = await readBatchSizes(server, model.name);
    await fill(server, served, { connections: CONNECTIONS, seconds: Math.max(1, SECONDS * scale) });
    found.set(model.name, runsSince(before, await readBatchSizes(server, model.name)));
  }
  return found;
}

function figureOf(name: string, pairs: readonly Pair[]): Figure {
  const reasons = pairs.flatMap(({ engine }) => engine.isVoid ?? []);
  return makeFigure({
    row: 'P7',
    name: `${name} MLP`,
    unit: 'ratio',
    all: pairs.map(gainOf),
    target: { bound: 'least', value: 0.9 },
    ...(reasons[0] !== undefined && reasons.length * 2 > pairs.length && { isVoid: reasons[0] }),
    details: {
      pairs: pairs.map(({ engine, sizes }) => ({
        meanRows: meanRows(sizes),
        sizes: Object.fromEntries(sizes),
        engineMs: engine.points,
      })),
    },
  });
}

function gainOf({ engine: { latency, points }, sizes }: Pair): number {
  const best = Math.min(...points.map(({ rows, ms }) => ms / rows));
  let [ms, rows] = [0, 0];
  for (const [size, runs] of sizes) {
    ms += runs * latency(size);
    rows += runs * size;
  }
  return best / (ms / rows);
}
