import { plotSvg, type Series } from '../../src/load/plot-svg.ts';
import { median } from '../support/median.ts';
import type { LoadPoint } from './row.ts';

/** What was answered, and how late, against what was offered, as SVG: the median of the runs at each offered load. */
export function loadPlot(points: readonly LoadPoint[], subtitle: string): string {
  return plotSvg('Headgate under load', subtitle, [
    {
      title: 'Answers per second',
      xLabel: 'offered, requests per second',
      yLabel: 'answered in time, per second',
      series: seriesOf(points, point => point.answeredPerSecond),
    },
    {
      title: 'Latency, p99, from when a request was due',
      xLabel: 'offered, requests per second',
      yLabel: 'ms',
      yScale: 'log',
      series: seriesOf(points, point => point.p99Ms),
    },
  ]);
}

function seriesOf(points: readonly LoadPoint[], value: (point: LoadPoint) => number): Series[] {
  return [...Map.groupBy(points, point => point.series)].map(([name, ofSeries]) => ({
    name,
    points: [...Map.groupBy(ofSeries, point => point.offeredPerSecond)]
      .sort(([a], [b]) => a - b)
      .map(([offered, runs]) => [offered, median(runs.map(value))] as const),
  }));
}
