/** The report of `headgate bench` for a terminal, and its charts. */
import type { Chart } from '../load/plot-svg.ts';
import { plotTerminal } from '../load/plot-terminal.ts';
import { quantile } from '../load/quantile.ts';
import { failures, type Measurement, wrongAnswers } from './bench-measurement.ts';
import { ms, percent, perSecond } from './bench-units.ts';
import { type BenchSummary, verdicts } from './bench-verdicts.ts';

const LINE = 100;

export function benchReport(summary: BenchSummary): string {
  const closed = summary.measurements.filter(({ load }) => load.kind === 'closed');
  const open = byLoad(summary.measurements);
  const parts = [
    section(
      'Closed loop: each connection sends its next request as soon as the last was answered.',
      closed,
      summary,
    ),
    section('Open loop: Poisson arrivals; latency counts from when a request was due.', open, summary),
    open.length > 1
      ? plotTerminal(latencyChart(summary))
          .map(line => `  ${line}\n`)
          .join('')
      : '',
    verdicts(summary)
      .map(line => `${wrap(line)}\n`)
      .join(''),
  ];
  return parts.filter(part => part !== '').join('\n');
}

function section(title: string, measurements: readonly Measurement[], summary: BenchSummary): string {
  if (measurements.length === 0) return '';
  const heading =
    summary.mode.kind === 'rate' && summary.mode.isConstant ? title.replace('Poisson', 'even') : title;
  return `${heading}\n${table(measurements, summary.rows)}`;
}

/** Columns that no line has anything in are left out. */
function table(measurements: readonly Measurement[], rows: number): string {
  const lines = measurements.map(one => cells(one, rows));
  const names = Object.keys(lines[0] ?? {});
  const used = names.filter(name => lines.some(line => line[name] !== ''));
  const widths = used.map(name => Math.max(name.length, ...lines.map(line => line[name]?.length ?? 0)));
  const draw = (text: (name: string) => string) =>
    `  ${used.map((name, i) => text(name).padStart(widths[i] ?? 0)).join('  ')}`.trimEnd();
  return [draw(name => name), ...lines.map(line => draw(name => line[name] ?? ''))]
    .map(line => `${line}\n`)
    .join('');
}

function cells(one: Measurement, rows: number): Readonly<Record<string, string>> {
  const { load, okPerSecond, okMs, timing, generator, requests } = one;
  const wrong = wrongAnswers(one);
  return {
    connections: load.kind === 'closed' ? String(load.connections) : '',
    'offered/s': load.kind === 'open' ? perSecond(load.offeredPerSecond) : '',
    'answered/s': perSecond(okPerSecond),
    'rows/s': rows === 1 ? '' : perSecond(okPerSecond * rows),
    p50: ms(okMs.p50),
    p90: ms(okMs.p90),
    p99: ms(okMs.p99),
    max: ms(okMs.max),
    queue: timing === undefined ? '' : ms(timing.queueMs),
    model: timing === undefined ? '' : ms(timing.inferMs),
    batch: timing === undefined ? '' : timing.batchRows.toFixed(1),
    failed: failures(one) === 0 ? '' : percent(failures(one) / requests),
    wrong: wrong === 0 ? '' : String(wrong),
    late: generator.lateShare === undefined ? '' : lateText(generator),
  };
}

function lateText({ lateShare = 0, isVoid }: Measurement['generator']): string {
  return `${percent(lateShare)}${isVoid === undefined ? '  ' : ' ‡'}`;
}

/** Open-loop measurements by offered load. */
function byLoad(measurements: readonly Measurement[]): Measurement[] {
  return measurements.filter(({ load }) => load.kind === 'open').toSorted((a, b) => offered(a) - offered(b));
}

const offered = ({ load }: Measurement): number => (load.kind === 'open' ? load.offeredPerSecond : 0);

export function latencyChart({ measurements, sloMs }: BenchSummary): Chart {
  return {
    title: 'Latency of correct answers, from when each request was due',
    xLabel: 'offered requests/s',
    yLabel: 'ms',
    yScale: 'log',
    series: [
      { name: 'p99', points: perLoad(measurements, one => one.okMs.p99) },
      { name: 'p50', points: perLoad(measurements, one => one.okMs.p50) },
    ],
    ...(sloMs !== undefined && { limit: { y: sloMs, label: `objective ${ms(sloMs)}` } }),
  };
}

export function throughputChart({ measurements }: BenchSummary): Chart {
  return {
    title: 'Throughput',
    xLabel: 'offered requests/s',
    yLabel: 'correct answers/s',
    series: [
      { name: 'answered', points: perLoad(measurements, one => one.okPerSecond) },
      { name: 'offered', points: perLoad(measurements, offered) },
    ],
  };
}

/** One point per offered load, ascending: the median of its runs. */
function perLoad(measurements: readonly Measurement[], figure: (one: Measurement) => number) {
  const groups = [...Map.groupBy(byLoad(measurements), offered)];
  return groups.map(([load, runs]): [number, number] => {
    const ascending = Float64Array.from(runs, figure).sort();
    return [load, quantile(ascending, 0.5)];
  });
}

function wrap(text: string): string {
  const lines: string[] = [];
  let line = '-';
  for (const word of text.split(' ')) {
    if (line.length + word.length >= LINE) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
