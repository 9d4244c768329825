/** A sweep as an SVG file. */
import { type Chart, plotSvg, type Series } from '../load/plot-svg.ts';
import type { Figures } from '../tune/measured.ts';
import type { Outcome } from '../tune/outcome.ts';
import { keyOf, layoutName } from '../tune/setting.ts';

/** Rows per second and p99 over the batch size, a line for each layout. */
export function tunePlot(outcome: Outcome): string {
  const { model, version, cores, figures, slosMs } = outcome;
  const [sloMs, ...more] = slosMs;
  const limit =
    sloMs === undefined || more.length > 0 ? {} : { limit: { y: sloMs, label: `wanted: ${sloMs} ms` } };
  const charts: Chart[] = [
    {
      title: 'Throughput',
      xLabel: 'rows in a batch',
      yLabel: 'rows per second',
      series: seriesOf(figures, one => one.rowsPerSecond),
    },
    {
      title: 'p99 of a batch, ready to answered',
      xLabel: 'rows in a batch',
      yLabel: 'ms',
      yScale: 'log',
      series: seriesOf(figures, one => one.p99Ms),
      ...limit,
    },
  ];
  return plotSvg(`headgate tune ${model}`, `version ${version}, ${cores} cores`, charts);
}

function seriesOf(figures: readonly Figures[], figureOf: (one: Figures) => number): Series[] {
  const layouts = Map.groupBy(figures, keyOf);
  return [...layouts.values()].map(group => {
    const points = group
      .map((one): readonly [number, number] => [one.batch, figureOf(one)])
      .sort(([a], [b]) => a - b);
    return { name: group[0] === undefined ? '' : layoutName(group[0]), points };
  });
}
