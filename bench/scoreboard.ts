/**
 * `npm run bench [-- --quick] [-- --only P1,P4] [-- --pairs 5] [-- --client autocannon]
 * [-- --with 'batching: { sendAhead: false }'] [-- --list]`: Headgate against the limits of this
 * machine, each figure a ratio measured in interleaved pairs of fresh processes. Writes the results as JSON and a plot
 * of throughput and p99 against offered load, and ends with `kept` or with every target that was missed.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { judge } from './scoreboard/figure.ts';
import { figuresTable } from './scoreboard/figures-table.ts';
import { loadPlot } from './scoreboard/load-plot.ts';
import { disturbance, repeatsFor } from './scoreboard/pairs.ts';
import { clock, ProgressLine } from './scoreboard/progress-line.ts';
import type { Row } from './scoreboard/row.ts';
import { expectedSeconds, ROWS } from './scoreboard/rows.ts';
import { type RowResult, runRow } from './scoreboard/run-row.ts';
import { endWith, readFlags } from './support/flags.ts';
import { printTable, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const USAGE = `usage: npm run bench -- [--quick] [--only P1,P4] [--pairs 5] [--client own|autocannon] [--with YAML] [--list]
  --quick   one short pair of each row: under five minutes, too short to quote
  --only    these rows; --list shows them, with how long each takes
  --pairs   how often both sides of a row are measured (5)
  --client  who sends closed loops (own)
  --with    added to the config.yaml of every model, such as 'batching: { sendAhead: false }'`;

const options = {
  only: { type: 'string' },
  quick: { type: 'boolean', default: false },
  pairs: { type: 'string' },
  list: { type: 'boolean', default: false },
  client: { type: 'string', default: 'own' },
  with: { type: 'string' },
} as const;
const { values: args } = readFlags({ options }, USAGE);
// Quick is one pair: starting and warming up is most of what a second, shorter one would cost.
const wantedPairs = Number(args.pairs ?? (args.quick ? 1 : 5));
const effort = {
  pairs: wantedPairs,
  repeats: args.quick ? 0 : repeatsFor(wantedPairs),
  scale: args.quick ? 0.4 : 1,
};
if (args.client !== 'own' && args.client !== 'autocannon') {
  endWith(`--client: expected own or autocannon, found ${args.client}`, USAGE);
}
// The rows' processes inherit it.
process.env['BENCH_CLIENT'] = args.client;
if (args.with !== undefined) process.env['BENCH_WITH'] = args.with;
const rows = wantedRows(args.only?.split(','));

if (args.list) list();
else await measure();

function wantedRows(only: readonly string[] | undefined): Row[] {
  const unknown = only?.find(id => !ROWS.some(row => row.id === id));
  if (unknown !== undefined) endWith(`--only: there is no row ${unknown}`, USAGE);
  if (!(effort.pairs >= 1)) endWith(`--pairs: expected 1 or more, found ${args.pairs}`, USAGE);
  return ROWS.filter(({ id }) => only?.includes(id) ?? true).sort(
    (a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)),
  );
}

function list(): void {
  const total = rows.reduce((sum, row) => sum + expectedSeconds(row, effort), 0);
  printTable([
    ['row', 'title', 'about'],
    ...rows.map(row => [row.id, row.title, clock(expectedSeconds(row, effort))]),
    ['', 'together', clock(total)],
  ]);
}

async function measure(): Promise<void> {
  await using folder = await TempFolder.create();
  const line = new ProgressLine(rows.reduce((sum, row) => sum + expectedSeconds(row, effort), 0));
  const results: RowResult[] = [];
  // What was measured is kept when the rest is given up.
  const giveUp = (): void => void report(results).then(() => process.exit(1));
  process.once('SIGINT', giveUp).once('SIGTERM', giveUp);
  for (const row of rows) {
    const place = path.join(folder.path, row.id);
    await mkdir(place);
    line.show(row.id, row.title);
    const order = {
      module: new URL('./scoreboard/rows.ts', import.meta.url).href,
      id: row.id,
      folder: place,
    };
    const limit = 60 + 3 * expectedSeconds(row, effort);
    results.push(await runRow({ ...order, ...effort }, limit, text => line.show(row.id, text)));
  }
  await report(results);
}

async function report(results: readonly RowResult[]): Promise<void> {
  const figures = results.flatMap(result => result.figures);
  const points = results.flatMap(result => result.points);
  const file = writeResult('scoreboard', {
    ...effort,
    client: args.client,
    with: args.with,
    figures,
    points,
    rows: results.map(summary),
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  printTable(figuresTable(figures));
  console.log(
    `${effort.pairs === 1 ? '1 pair' : `${effort.pairs} pairs`}${args.quick ? ', quick: too short to quote' : '; a change under 5 % is noise'}`,
  );
  for (const { id, pairs } of results) {
    const disturbed = disturbance(pairs);
    if (disturbed !== '') console.log(`${id}: ${disturbed}`);
  }
  console.log(file);
  if (points.length > 0) {
    const plot = file.replace(/json$/, 'svg');
    await writeFile(plot, loadPlot(points, path.basename(file)));
    console.log(plot);
  }
  verdict([
    ...results.flatMap(({ id, failed }) => (failed === undefined ? [] : [`${id} failed: ${failed}`])),
    ...figures.flatMap(figure => {
      const found = judge(figure);
      const why = figure.isVoid === undefined ? '' : `: ${figure.isVoid}`;
      return found === 'kept' || found === 'shown' ? [] : [`${figure.row} ${figure.name} ${found}${why}`];
    }),
  ]);
}

function summary({ id, seconds, pairs, failed }: RowResult) {
  return { id, seconds, pairs, failed };
}
