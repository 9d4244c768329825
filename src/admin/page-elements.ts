/** What the page makes elements with. Everything it shows is set as text, so a model's name or a worker's last words are never markup. */
export const elements = `
const byId = id => document.getElementById(id);
const keyOf = (name, version) => name + ' ' + version;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function number(value) {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const digits = value === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

const SCALES = { ms: [[1000, 's'], [1, 'ms'], [0.001, 'µs']], bytes: [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']] };

function quantity(value, kind) {
  if (value === undefined || !Number.isFinite(value)) return ['–', ''];
  const [size, unit] = SCALES[kind].find(([least]) => value >= least) || SCALES[kind].at(-1);
  return [number(value / size), unit];
}

function fill(target, [text, unit]) {
  target.textContent = text;
  if (unit) target.append(element('small', '', ' ' + unit));
  return target;
}

function cell(text, className) {
  return element('td', (className || '') + (text === '–' ? ' none' : ''), text);
}

function nameCell(text) {
  const made = cell(text, 'name');
  made.title = text;
  return made;
}

function measured(value, kind) {
  return fill(element('td', value === undefined || !Number.isFinite(value) ? 'n none' : 'n'), quantity(value, kind));
}

const PILLS = {
  READY: 'good', LOADING: 'busy', UNLOADING: 'busy', UNAVAILABLE: 'bad',
  ready: 'good', starting: 'busy', waiting: 'busy', exited: 'bad', unreachable: 'bad',
};

function pillCell(state) {
  const made = element('td');
  made.append(element('span', 'pill ' + (PILLS[state] || ''), String(state).toLowerCase()));
  return made;
}

function reasonCell(reason, columns) {
  const made = element('td', 'reason');
  made.colSpan = columns;
  made.title = reason;
  made.append(element('span', '', reason));
  return made;
}

function emptyRow(columns, text) {
  const line = element('tr');
  const made = element('td', 'empty', text);
  made.colSpan = columns;
  line.append(made);
  return line;
}
`;
