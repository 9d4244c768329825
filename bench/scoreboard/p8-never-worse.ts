/**
 * P8: rows per second with batching left to Headgate ÷ with the best fixed setting, found by a sweep of
 * `maxBatchSize` × `maxQueueDelayMs` on this machine. The two best of the sweep run again beside `auto`, in turns, in
 * a fresh gateway for each pair; the better of them over all pairs is the one to be held against.
 */
import path from 'node:path';
import { type BenchModel, type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { copyModel } from '../support/model-copies.ts';
import type { Saturated } from '../support/saturate.ts';
import { fill, serveModel } from '../support/served-model.ts';
import { makeFigure } from './figure.ts';
import { measurePairs } from './pairs.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure, Row } from './row.ts';

const SECONDS = 1.2;
const SWEEP_SECONDS = 0.8;
const WARMUP_SECONDS = 0.5;
const FINALISTS = 2;
/** Long enough for several of the largest batches, and for some two hundred rows, however slow the machine. */
const LEAST_SECONDS = { fast: { warmup: 0.3, measure: 0.3 }, slow: { warmup: 2, measure: 4 } };

interface Setting {
  readonly name: string;
  readonly maxBatchSize?: number;
  readonly maxQueueDelayMs: number | 'auto';
}

const AUTO: Setting = { name: 'auto', maxQueueDelayMs: 'auto' };
/** Without a delay a batch is what waits when a worker is free. */
const FIXED: readonly Setting[] = [
  { name: 'max1', maxBatchSize: 1, maxQueueDelayMs: 0 },
  { name: 'max8', maxBatchSize: 8, maxQueueDelayMs: 0 },
  { name: 'max32', maxBatchSize: 32, maxQueueDelayMs: 0 },
  { name: 'max128', maxBatchSize: 128, maxQueueDelayMs: 0 },
  { name: 'max64-2ms', maxBatchSize: 64, maxQueueDelayMs: 2 },
  { name: 'max128-5ms', maxBatchSize: 128, maxQueueDelayMs: 5 },
];

const SUBJECTS: readonly {
  readonly name: BenchModelName;
  readonly title: string;
  readonly connections: number;
}[] = [
  { name: 'large', title: 'large MLP', connections: 128 },
  { name: 'small', title: 'small MLP', connections: 128 },
  { name: 'wide', title: 'wide MLP', connections: 128 },
  { name: 'direction', title: 'direction CNN', connections: 32 },
  { name: 'recogniser', title: 'recogniser', connections: 8 },
];

export const p8: Row = {
  id: 'P8',
  title: 'never worse: batching auto ÷ the best fixed setting',
  budgetSeconds: 340,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const subject of subjectsOf(bench, SUBJECTS)) figures.push(await measureSubject(bench, subject));
    return figures;
  },
};

type Measured = ReadonlyMap<Setting, Saturated>;

export async function measureSubject(bench: Bench, subject: (typeof SUBJECTS)[number]): Promise<Figure> {
  const { name, title, connections } = subject;
  const model = await prepareModel(path.join(bench.folder, `${name}-original`), name);
  bench.progress(`${title} sweep`);
  const sweep = await measureSettings(bench, model, connections, {
    settings: FIXED,
    seconds: SWEEP_SECONDS,
    name: 'sweep',
  });
  const settings = [AUTO, ...best(FIXED, perSecondOf(sweep)).slice(0, FINALISTS)];
  const pairs = await measurePairs(bench, (pair, name) => {
    bench.progress(`${title} ${name}`);
    const order = settings.map((_, i) => settings[(i + pair) % settings.length] as Setting);
    const run = { settings: order, seconds: SECONDS, name: String(pair) };
    return measureSettings(bench, model, connections, run);
  });
  return figureOf(title, settings, sweep, pairs);
}

interface Turns {
  readonly settings: readonly Setting[];
  readonly seconds: number;
  readonly name: string;
}

/** One fresh gateway that serves the model once for each setting, loaded in turn. */
async function measureSettings(
  bench: Bench,
  model: BenchModel,
  connections: number,
  { settings, seconds, name }: Turns,
): Promise<Measured> {
  const repository = path.join(bench.folder, `${model.name}-${name}`);
  for (const setting of settings) await copyModel(repository, model, setting.name, configOf(setting));
  await using server = await startHeadgate(
    repository,
    path.join(bench.folder, `${model.name}-${name}-server`),
  );
  const found = new Map<Setting, Saturated>();
  for (const setting of settings) {
    const served = serveModel(model, setting.name);
    const least = LEAST_SECONDS[model.name === 'recogniser' ? 'slow' : 'fast'];
    const turn = (shortest: number, usual: number) =>
      fill(server, served, { connections, seconds: Math.max(shortest, usual * bench.scale) });
    await turn(least.warmup, WARMUP_SECONDS);
    found.set(setting, await turn(least.measure, seconds));
  }
  return found;
}

/** The deadline is far: what is compared is the batches, not who is refused. */
function configOf({ maxBatchSize, maxQueueDelayMs }: Setting): Record<string, unknown> {
  return { timeoutMs: 30_000, batching: { maxQueueDelayMs }, ...(maxBatchSize && { maxBatchSize }) };
}

function perSecondOf(measured: Measured): ReadonlyMap<Setting, number> {
  return new Map([...measured].map(([setting, { perSecond }]) => [setting, perSecond]));
}

function best(settings: readonly Setting[], perSecond: ReadonlyMap<Setting, number>): Setting[] {
  return [...settings].sort((a, b) => (perSecond.get(b) ?? 0) - (perSecond.get(a) ?? 0));
}

function figureOf(
  title: string,
  settings: readonly Setting[],
  sweep: Measured,
  pairs: readonly Measured[],
): Figure {
  const of = (setting: Setting, pick: (side: Saturated) => number) =>
    pairs.map(pair => pick(pair.get(setting) as Saturated));
  const fixed = settings.filter(setting => setting !== AUTO);
  const medians = new Map(fixed.map(setting => [setting, median(of(setting, side => side.perSecond))]));
  const [winner = AUTO] = best(fixed, medians);
  const ratios = (pick: (side: Saturated) => number) => {
    const rival = of(winner, pick);
    return of(AUTO, pick).map((value, i) => value / (rival[i] ?? Number.NaN));
  };
  const named = (measured: Measured) =>
    Object.fromEntries([...measured].map(([setting, { perSecond }]) => [setting.name, perSecond]));
  return makeFigure({
    row: 'P8',
    name: title,
    unit: 'ratio',
    all: ratios(side => side.perSecond),
    cpu: 1 / median(ratios(side => side.cpuUs)),
    target: { bound: 'least', value: 0.95 },
    details: { bestFixed: winner.name, sweep: named(sweep), pairs: pairs.map(named) },
  });
}
