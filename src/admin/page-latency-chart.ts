/** What a row costs by batch size: one version's learned latencies, drawn small, and read between the known sizes. */
export const latencyChart = `
const CHART = { width: 176, height: 40, edge: 6, point: 2.4, reach: 5 };

/* What the batcher weighs: the run and the least way there and back. */
const msPerRow = size => (size.runMs + size.leastOverheadMs) / size.rows;

function told(value, kind) {
  const [text, unit] = quantity(value, kind);
  return text + (unit ? ' ' + unit : '');
}

/* Between its neighbours; undefined beyond what is known. */
function sizeAt(sizes, rows) {
  const above = sizes.findIndex(size => size.rows >= rows);
  if (above < 0) return undefined;
  if (sizes[above].rows === rows || above === 0) return sizes[above].rows === rows ? sizes[above] : undefined;
  const [a, b] = [sizes[above - 1], sizes[above]];
  const between = name => a[name] + ((rows - a.rows) / (b.rows - a.rows)) * (b[name] - a[name]);
  return { rows, runMs: between('runMs'), leastOverheadMs: between('leastOverheadMs') };
}

/* Sizes to the right, doubling after doubling; ms a row upwards, from 0. */
function chartScale(sizes) {
  const { width, height, edge } = CHART;
  const [first, last] = [Math.log2(sizes[0].rows), Math.log2(sizes.at(-1).rows)];
  const top = Math.max(1e-9, ...sizes.map(msPerRow));
  return {
    x: rows => (last > first ? edge + ((Math.log2(rows) - first) / (last - first)) * (width - 2 * edge) : width / 2),
    y: ms => height - edge - (ms / top) * (height - 2 * edge),
  };
}

function drawn(tag, className, attributes) {
  const made = document.createElementNS(SVG, tag);
  if (className) made.setAttribute('class', className);
  for (const name of Object.keys(attributes)) made.setAttribute(name, attributes[name]);
  return made;
}

function sizeText(size) {
  return number(size.rows) + (size.rows === 1 ? ' row: ' : ' rows: ') + told(msPerRow(size), 'ms') + ' a row. '
    + 'A run takes ' + told(size.runMs, 'ms') + ', slow ones ' + told(size.upperMs, 'ms')
    + '; the way there and back ' + told(size.overheadMs, 'ms') + ', at least ' + told(size.leastOverheadMs, 'ms') + '. '
    + (size.runs > 0 ? 'Of its last ' + number(size.runs) + ' runs.' : 'Has not run: as measured at load, scaled by those that have.');
}

function chartPoint(size, { x, y }) {
  const at = { cx: x(size.rows).toFixed(1), cy: y(msPerRow(size)).toFixed(1) };
  const made = drawn('g', size.runs > 0 ? 'ran' : 'measured', {});
  const title = drawn('title', '', {});
  title.textContent = sizeText(size);
  made.append(title, drawn('circle', 'reach', { ...at, r: CHART.reach }), drawn('circle', 'dot', { ...at, r: CHART.point }));
  return made;
}

/* Sizes that run now are dots, those only measured at load are rings; the upright line is the knee. */
function latencyChart({ sizes, kneeRows }) {
  const { width, height, edge } = CHART;
  const svg = drawn('svg', 'latencies', { viewBox: '0 0 ' + width + ' ' + height, role: 'img' });
  if (sizes.length === 0) return svg;
  svg.setAttribute('aria-label', [sizes[0], sizes.at(-1)].map(sizeText).join(' '));
  const scale = chartScale(sizes);
  const floor = height - edge + 4;
  svg.append(drawn('path', 'floor', { d: 'M0 ' + floor + 'H' + width }));
  if (kneeRows >= sizes[0].rows && kneeRows <= sizes.at(-1).rows)
    svg.append(drawn('path', 'knee', { d: 'M' + scale.x(kneeRows).toFixed(1) + ' 0V' + floor }));
  svg.append(drawn('polyline', '', { points: sizes.map(size => scale.x(size.rows).toFixed(1) + ',' + scale.y(msPerRow(size)).toFixed(1)).join(' ') }));
  svg.append(...sizes.map(size => chartPoint(size, scale)));
  return svg;
}
`;
