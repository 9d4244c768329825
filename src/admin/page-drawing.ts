/** The lines the page draws, as SVG. */
export const drawing = `
const SVG = 'http://www.w3.org/2000/svg';

function draw(svg, values) {
  const width = 100;
  const height = 30;
  const top = Math.max(1e-9, ...values);
  const step = width / (LINE_SAMPLES - 1);
  const from = LINE_SAMPLES - values.length;
  const points = values.map((value, i) => ((from + i) * step).toFixed(2) + ',' + (height - 1 - (value / top) * (height - 4)).toFixed(2));
  svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
  svg.setAttribute('preserveAspectRatio', 'none');
  const area = document.createElementNS(SVG, 'path');
  const line = document.createElementNS(SVG, 'polyline');
  if (points.length > 1) {
    area.setAttribute('d', 'M' + (from * step).toFixed(2) + ',' + height + ' L' + points.join(' L') + ' L' + width + ',' + height + 'Z');
    line.setAttribute('points', points.join(' '));
  }
  svg.replaceChildren(area, line);
  return svg;
}

function sparkCell(key) {
  const made = element('td', 'spark');
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'line');
  svg.setAttribute('aria-hidden', 'true');
  made.append(draw(svg, lines.get(key) || []));
  return made;
}
`;
