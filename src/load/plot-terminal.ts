/** A chart in characters: points only, for a first look. */
import { type Axis, linearAxis, logAxis, tickText } from './axis.ts';
import type { Chart } from './plot-svg.ts';

const MARKS = ['●', '○', '▲', '△', '■', '□'];

/** Lines of text without line ends, the legend last. Points that fall on one place show the first series. */
export function plotTerminal(chart: Chart, width = 60, height = 11): string[] {
  const { series, yScale, yLabel, xLabel, limit } = chart;
  const points = series.flatMap(one => one.points).filter(point => point.every(Number.isFinite));
  if (points.length === 0) return [];
  const ys = [...points.map(([, y]) => y), ...(limit ? [limit.y] : [])];
  const x = linearAxis(points.map(([value]) => value));
  const y = yScale === 'log' ? logAxis(ys) : linearAxis(ys);
  const grid = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  if (limit !== undefined) grid[rowOf(y, limit.y, height)]?.fill('┄');
  for (const [i, one] of series.toReversed().entries())
    for (const [valueX, valueY] of one.points) {
      const row = grid[rowOf(y, valueY, height)];
      if (row !== undefined) row[columnOf(x, valueX, width)] = MARKS[series.length - 1 - i] ?? '*';
    }
  const legend = series.map(({ name }, i) => `${MARKS[i] ?? '*'} ${name}`);
  if (limit !== undefined) legend.push(`┄ ${limit.label}`);
  return [
    yLabel,
    ...withYAxis(grid, y),
    ...xAxis(x, width, marginOf(y)),
    `${' '.repeat(marginOf(y))}${xLabel}    ${legend.join('   ')}`,
  ];
}

function withYAxis(grid: readonly string[][], axis: Axis): string[] {
  const labels = new Map(axis.ticks.map(tick => [rowOf(axis, tick, grid.length), tickText(tick)]));
  const margin = marginOf(axis);
  return grid.map((row, i) => {
    const label = labels.get(i) ?? '';
    return `${label.padStart(margin - 2)} ${label === '' ? '│' : '┤'}${row.join('')}`.trimEnd();
  });
}

function xAxis(axis: Axis, width: number, margin: number): string[] {
  const line = new Array<string>(width).fill('─');
  const labels = new Array<string>(width + 8).fill(' ');
  for (const tick of axis.ticks) {
    const at = columnOf(axis, tick, width);
    const text = tickText(tick);
    line[at] = '┬';
    const from = Math.max(0, at - (text.length >> 1));
    for (const [i, character] of [...text].entries()) labels[from + i] = character;
  }
  return [`${' '.repeat(margin - 1)}└${line.join('')}`, `${' '.repeat(margin)}${labels.join('').trimEnd()}`];
}

/** Columns before the first of the grid: the widest tick, a space and the axis. */
const marginOf = ({ ticks }: Axis): number => Math.max(...ticks.map(tick => tickText(tick).length)) + 2;

const rowOf = ({ place }: Axis, value: number, height: number): number =>
  Math.round((1 - place(value)) * (height - 1));

const columnOf = ({ place }: Axis, value: number, width: number): number =>
  Math.round(place(value) * (width - 1));
