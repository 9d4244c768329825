/** What a sweep came to, as text for a terminal, as JSON, and as settings to write. */
import { editYaml } from '../config/edit-yaml.ts';
import type { Figures } from '../tune/measured.ts';
import type { Outcome, Winner } from '../tune/outcome.ts';
import { layoutName } from '../tune/setting.ts';
import { paretoFront } from '../tune/winners.ts';
import { scatterPlot } from './scatter-plot.ts';

/** Settings for config.yaml: the winner within `sloMs`, or the one that carries most. Undefined when there is none. */
export function settingsOf(
  { winners, notBatched }: Outcome,
  sloMs: number | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const best = winners.find(winner => winner.sloMs === sloMs)?.best;
  if (best === undefined) return undefined;
  return {
    instances: [{ kind: 'cpu', count: best.instances, intraOpThreads: best.threads }],
    ...(notBatched === '' ? { maxBatchSize: best.batch } : {}),
    ...(sloMs === undefined ? {} : { sloMs }),
  };
}

export function tuneJson({ figures, winners, left, tookMs, ...model }: Outcome): unknown {
  return { ...model, tookMs: Math.round(tookMs), figures, winners, notMeasured: left };
}

/** Table, plot, winners and why, and how to apply it. `sloMs` is the one asked for. */
export function tuneReport(outcome: Outcome, sloMs: number | undefined): string {
  const { model, version, cores, notBatched, figures, left, tookMs } = outcome;
  const machine = cores === 1 ? 'one core' : `${cores} cores`;
  const settings = figures.length === 1 ? 'one setting' : `${figures.length} settings`;
  const head = `${model} ${version} on ${machine}: ${settings} in ${(tookMs / 1000).toFixed(0)} s\n`;
  return [
    notBatched === '' ? head : `${head}Row by row: ${notBatched}\n`,
    table(outcome),
    plot(figures),
    winnersText(outcome),
    left.map(line => `Not measured: ${line}\n`).join(''),
    advice(outcome, sloMs),
  ]
    .filter(part => part !== '')
    .join('\n');
}

function table({ figures, winners }: Outcome): string {
  const best = winners[0]?.best;
  const front = new Set(paretoFront(figures));
  const rows = [...figures].sort(
    (a, b) => a.instances * a.threads - b.instances * b.threads || a.threads - b.threads || a.batch - b.batch,
  );
  const most = Math.max(...figures.map(({ rowsPerSecond }) => rowsPerSecond));
  const cells = rows.map(one => [
    String(one.instances),
    String(one.threads),
    String(one.batch),
    rate(one.rowsPerSecond),
    ms(one.p50Ms),
    ms(one.p99Ms),
    `${Math.round((100 * one.rowsPerSecond) / most)} %`,
    one === best ? '★' : front.has(one) ? '●' : '',
  ]);
  const heading = ['instances', 'threads', 'batch', 'rows/s', 'p50 ms', 'p99 ms', 'of best', ''];
  const widths = heading.map((title, i) => Math.max(title.length, ...cells.map(row => row[i]?.length ?? 0)));
  return [heading, ...cells]
    .map(
      row =>
        `  ${row
          .map((cell, i) => cell.padStart(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** ★ carries most, ● no other is both quicker and carries more, · the others. */
function plot(figures: readonly Figures[]): string {
  const front = new Set(paretoFront(figures));
  const points = [...figures]
    .sort((a, b) => Number(front.has(a)) - Number(front.has(b)))
    .map(one => ({ x: one.p99Ms, y: one.rowsPerSecond, mark: front.has(one) ? '●' : '·' }));
  const drawn = scatterPlot(points, 'rows/s', 'p99 of a batch, ms');
  return drawn && `${drawn}  ● no other setting is both quicker and carries more\n`;
}

/** Latencies that come to the same are told once, as the least of them. */
function winnersText({ winners, notBatched }: Outcome): string {
  const told = winners.filter(
    ({ best }, i) => best === undefined || best !== winners[i - 1]?.best || i === 1,
  );
  const names = told.map(({ sloMs }) => (sloMs === undefined ? 'Throughput' : `Within ${sloMs} ms`));
  const width = Math.max(...names.map(name => name.length)) + 1;
  return told
    .map((winner, i) => {
      const same = i > 0 && winner.best !== undefined && winner.best === told[0]?.best;
      const text = same ? 'the same as for throughput\n' : winnerText(winner, width + 1, notBatched === '');
      return `${`${names[i]}:`.padEnd(width)} ${text}`;
    })
    .join('');
}

function winnerText({ best, why }: Winner, indent: number, isBatched: boolean): string {
  if (best === undefined) return `${why.join('; ')}\n`;
  const figures = `${rate(best.rowsPerSecond)} rows/s, p99 ${ms(best.p99Ms)} ms`;
  const reasons = why.map(reason => `${' '.repeat(indent)}${reason}\n`).join('');
  const batch = best.batch === 1 ? ', single rows' : `, batches of ${best.batch}`;
  return `${layoutName(best)}${isBatched ? batch : ''}: ${figures}\n${reasons}`;
}

function advice(outcome: Outcome, sloMs: number | undefined): string {
  const settings = settingsOf(outcome, sloMs);
  if (settings === undefined) return '';
  const yaml = editYaml('', '', settings)
    .split('\n')
    .map(line => (line === '' ? '' : `  ${line}`))
    .join('\n');
  return `For models/${outcome.model}/config.yaml (--write puts it there):\n${yaml}`;
}

const rate = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1);
const ms = (value: number): string =>
  value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
