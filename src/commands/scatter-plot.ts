/** Points on a terminal: rows per second upwards, milliseconds to the right on a logarithmic scale. */

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly mark: string;
}

const WIDTH = 60;
const HEIGHT = 14;

/** Later points are drawn over earlier ones. '' when there is nothing to draw. */
export function scatterPlot(points: readonly Point[], yTitle: string, xTitle: string): string {
  const drawn = points.filter(({ x, y }) => x > 0 && Number.isFinite(x) && Number.isFinite(y));
  if (drawn.length === 0) return '';
  const most = Math.max(...drawn.map(({ y }) => y));
  const logs = drawn.map(({ x }) => Math.log10(x));
  const [from, to] = [Math.min(...logs), Math.max(...logs)];
  const cells = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(' '));
  for (const { x, y, mark } of drawn) {
    const column = Math.round(((WIDTH - 1) * (Math.log10(x) - from)) / (to - from || 1));
    const row = HEIGHT - 1 - Math.round(((HEIGHT - 1) * y) / (most || 1));
    (cells[row] as string[])[column] = mark;
  }
  const label = Math.max(short(most).length, 1);
  const rows = cells.map((row, i) => {
    const title = i === 0 ? short(most) : i === HEIGHT - 1 ? '0' : '';
    return `  ${title.padStart(label)} ┤${row.join('').trimEnd()}`;
  });
  const left = short(10 ** from);
  const right = short(10 ** to);
  const axis = `  ${' '.repeat(label)} └${'─'.repeat(WIDTH)}`;
  const pad = Math.max(1, WIDTH - left.length - right.length - xTitle.length);
  const scale = `${left}${' '.repeat(pad >> 1)}${xTitle}${' '.repeat(pad - (pad >> 1))}${right}`;
  return `  ${yTitle}\n${rows.join('\n')}\n${axis}\n  ${' '.repeat(label)}  ${scale}\n`;
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(2);
}
