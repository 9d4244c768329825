/**
 * `npm run bench:compare BEFORE.json AFTER.json`: two results of `npm run bench`, figure by figure. Something is better
 * or worse when it moved by more than 5 % and the 95 % intervals do not overlap. Exit code 1 when anything is worse.
 */
import { readFileSync } from 'node:fs';
import { type Comparison, compareFigures, intervalsOverlap } from './scoreboard/compare-figures.ts';
import type { Figure } from './scoreboard/row.ts';
import { endWith, readFlags } from './support/flags.ts';
import { printTable } from './support/report.ts';

interface Result {
  readonly machine: Readonly<Record<string, unknown>>;
  readonly result: { readonly pairs: number; readonly scale: number; readonly figures: readonly Figure[] };
}

const USAGE = 'usage: npm run bench:compare BEFORE.json AFTER.json, two files that npm run bench wrote';

const { positionals } = readFlags({ allowPositionals: true }, USAGE);
const [before, after] = positionals;
if (before === undefined || after === undefined || positionals.length > 2)
  endWith('expected two files', USAGE);
compareFiles(before, after);

function compareFiles(beforeFile: string, afterFile: string): void {
  const [earlier, later] = [read(beforeFile), read(afterFile)];
  const comparisons = compareFigures(earlier.result.figures, later.result.figures);
  printTable([
    ['figure', 'before', 'interval', 'after', 'interval', 'change', 'intervals', 'verdict'],
    ...comparisons.map(cells),
  ]);
  for (const line of doubts(earlier, later)) console.log(line);
  for (const verdict of ['better', 'worse', 'unclear'] as const) {
    const found = comparisons.filter(comparison => comparison.verdict === verdict);
    if (found.length > 0) console.log(`${verdict}: ${found.map(changeText).join(', ')}`);
  }
  const isAnyWorse = comparisons.some(({ verdict }) => verdict === 'worse');
  if (!isAnyWorse) console.log('nothing is worse');
  process.exitCode = isAnyWorse ? 1 : 0;
}

function read(file: string): Result {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8')) as Partial<Result>;
    if (Array.isArray(result.result?.figures)) return result as Result;
  } catch (error) {
    if (!(error instanceof SyntaxError)) endWith((error as Error).message, USAGE);
  }
  endWith(`${file}: expected a result of npm run bench`, USAGE);
}

function cells({ figure, before, after, change, verdict }: Comparison): string[] {
  const interval = (of: Figure | undefined) => of?.interval.map(bound => bound.toFixed(2)).join('–') ?? '';
  const overlap = before && after && (intervalsOverlap(before, after) ? 'overlap' : 'apart');
  return [
    figure,
    before?.value.toFixed(2) ?? '',
    interval(before),
    after?.value.toFixed(2) ?? '',
    interval(after),
    percent(change),
    overlap ?? '',
    verdict,
  ];
}

function changeText({ figure, change }: Comparison): string {
  return `${figure} (${percent(change)})`;
}

function percent(change: number): string {
  return Number.isFinite(change) ? `${change < 0 ? '−' : '+'}${Math.abs(change * 100).toFixed(0)} %` : '';
}

/** What makes the comparison say less than it seems to. */
function doubts(before: Result, after: Result): string[] {
  const differing = ['cpu', 'cores', 'node', 'onnxruntime'].filter(
    key => before.machine[key] !== after.machine[key],
  );
  return [
    ...differing.map(key => `measured on different ${key}: ${before.machine[key]}, ${after.machine[key]}`),
    ...[before, after].flatMap(({ result: { pairs, scale } }, i) =>
      pairs < 5 || scale < 1
        ? [`${i === 0 ? 'before' : 'after'} is a short run: ${pairs === 1 ? '1 pair' : `${pairs} pairs`}`]
        : [],
    ),
  ];
}
