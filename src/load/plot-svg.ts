/** Line charts as one SVG file that reads in a light and in a dark window, on paper and without colours. */
import { type Axis, linearAxis, logAxis, tickText } from './axis.ts';

export interface Series {
  readonly name: string;
  /** x and y, ascending in x. What is not finite (or, on a log axis, not above 0) leaves a gap. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Default linear, from 0. */
  readonly yScale?: 'linear' | 'log';
  readonly series: readonly Series[];
  /** A horizontal line, such as an objective. */
  readonly limit?: { readonly y: number; readonly label: string };
}

const WIDTH = 860;
const CHART_HEIGHT = 340;
const HEAD_HEIGHT = 58;
/** Where the lines are drawn within a chart. */
const PLOT = { left: 84, top: 36, width: 560, height: 244 };
const LEGEND_LEFT = PLOT.left + PLOT.width + 20;
const MAX_NAME = 28;

/** Paired for contrast on white and on near-black, and told apart by people who see few colours. */
const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#0060a8', '#5cb8f5'],
  ['#c24a00', '#ff9a52'],
  ['#00795a', '#3fd0a4'],
  ['#a23a7c', '#ef9bcb'],
  ['#7a5c00', '#e6c34a'],
  ['#5b5b5b', '#bdbdbd'],
];
const MARKERS = [
  'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
  'M-3.5-3.5h7v7h-7z',
  'M0-4.5 4.5 3.5h-9z',
  'M0-5 5 0 0 5-5 0z',
];

/** Charts one above the other under a title; a subtitle says when, where and what. */
export function plotSvg(title: string, subtitle: string, charts: readonly Chart[]): string {
  const height = HEAD_HEIGHT + charts.length * CHART_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${xml(title)}</title>`,
    STYLE,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    `<text class="head" x="20" y="28">${xml(title)}</text>`,
    `<text class="sub" x="20" y="48">${xml(subtitle)}</text>`,
    ...charts.map((chart, i) => drawChart(chart, HEAD_HEIGHT + i * CHART_HEIGHT)),
    '</svg>\n',
  ].join('\n');
}

function drawChart(chart: Chart, top: number): string {
  const { series, limit, yScale } = chart;
  const ys = [...series.flatMap(({ points }) => points.map(([, y]) => y)), ...(limit ? [limit.y] : [])];
  const x = linearAxis(series.flatMap(({ points }) => points.map(([value]) => value)));
  const y = yScale === 'log' ? logAxis(ys) : linearAxis(ys);
  return [
    `<g transform="translate(${PLOT.left} ${top + PLOT.top})">`,
    `<text class="title" x="0" y="-14">${xml(chart.title)}</text>`,
    drawXAxis(x, chart.xLabel),
    drawYAxis(y, chart.yLabel),
    limit === undefined ? '' : drawLimit(y, limit),
    ...series.map((one, i) => drawSeries(one, i, x, y)),
    ...series.map(({ name }, i) => drawLegend(name, i)),
    '</g>',
  ].join('\n');
}

function drawXAxis({ ticks, place }: Axis, label: string): string {
  const marks = ticks.map(tick => {
    const at = px(place(tick) * PLOT.width);
    return `<line class="grid" x1="${at}" x2="${at}" y2="${PLOT.height}"/><text class="tick" x="${at}" y="${PLOT.height + 18}" text-anchor="middle">${tickText(tick)}</text>`;
  });
  const middle = PLOT.width / 2;
  return `${marks.join('')}<text class="label" x="${middle}" y="${PLOT.height + 38}" text-anchor="middle">${xml(label)}</text>`;
}

function drawYAxis({ ticks, place }: Axis, label: string): string {
  const marks = ticks.map(tick => {
    const at = px((1 - place(tick)) * PLOT.height);
    return `<line class="grid" x2="${PLOT.width}" y1="${at}" y2="${at}"/><text class="tick" x="-8" y="${px(at + 4)}" text-anchor="end">${tickText(tick)}</text>`;
  });
  const middle = PLOT.height / 2;
  return `${marks.join('')}<text class="label" transform="translate(-62 ${middle}) rotate(-90)" text-anchor="middle">${xml(label)}</text>`;
}

function drawLimit({ place }: Axis, { y, label }: { readonly y: number; readonly label: string }): string {
  const at = px((1 - place(y)) * PLOT.height);
  return `<line class="limit" x2="${PLOT.width}" y1="${at}" y2="${at}"/><text class="tick" x="${PLOT.width - 4}" y="${px(at - 5)}" text-anchor="end">${xml(label)}</text>`;
}

function drawSeries({ points }: Series, i: number, x: Axis, y: Axis): string {
  let path = '';
  let isGap = true;
  let markers = '';
  for (const [valueX, valueY] of points) {
    const [left, top] = [px(x.place(valueX) * PLOT.width), px((1 - y.place(valueY)) * PLOT.height)];
    const isDrawn = Number.isFinite(left) && Number.isFinite(top);
    if (isDrawn) {
      path += `${isGap ? 'M' : 'L'}${left} ${top}`;
      markers += drawMarker(i, left, top);
    }
    isGap = !isDrawn;
  }
  return `<path class="line c${i % COLOURS.length}" d="${path}"/>${markers}`;
}

function drawMarker(i: number, left: number, top: number): string {
  return `<path class="mark c${i % COLOURS.length}" transform="translate(${left} ${top})" d="${MARKERS[i % MARKERS.length]}"/>`;
}

function drawLegend(name: string, i: number): string {
  const left = LEGEND_LEFT - PLOT.left;
  const top = 8 + i * 20;
  const short = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
  return `<path class="line c${i % COLOURS.length}" d="M${left} ${top}h22"/>${drawMarker(i, left + 11, top)}<text class="tick" x="${left + 30}" y="${top + 4}">${xml(short)}</text>`;
}

/** Tenths of a pixel, and no more digits. */
const px = (value: number): number => Math.round(value * 10) / 10;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const xml = (text: string): string =>
  text.replaceAll(/[&<>"]/g, character => ENTITIES[character] ?? '').replaceAll(/\p{Cc}/gu, ' ');

function paint(shade: 0 | 1): string {
  return COLOURS.map((pair, i) => `.line.c${i}{stroke:${pair[shade]}}.mark.c${i}{fill:${pair[shade]}}`).join(
    '',
  );
}

const STYLE = `<style>
text{font-family:system-ui,sans-serif;fill:#1d2329}
.ground{fill:#fff}.head{font-size:18px;font-weight:600}.sub{font-size:12px;fill:#57606a}.title{font-size:14px;font-weight:600}
.tick,.label{font-size:12px}.grid{stroke:#d5dae0;stroke-width:1}.limit{stroke:#57606a;stroke-dasharray:6 4}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
${paint(0)}
@media (prefers-color-scheme:dark){text{fill:#e6e9ed}.ground{fill:#14181d}.sub{fill:#9aa4af}.grid{stroke:#333b44}.limit{stroke:#9aa4af}
${paint(1)}}
</style>`;
