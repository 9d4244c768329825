/**
 * What the page does: asks the routes beside it every two seconds and shows rates over the last ten. Everything it
 * shows is set as text, so a model's name or a worker's last words are never markup.
 */
export const script = `
'use strict';
const EVERY_MS = 2000;
const RATE_SAMPLES = 5;
const LINE_SAMPLES = 60;
const samples = [];
const lines = new Map();
let heard = 0;

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

function measured(value, kind) {
  return fill(element('td', value === undefined || !Number.isFinite(value) ? 'n none' : 'n'), quantity(value, kind));
}

const PILLS = {
  READY: 'good', LOADING: 'busy', UNLOADING: 'busy', UNAVAILABLE: 'bad',
  ready: 'good', starting: 'busy', waiting: 'busy', exited: 'bad',
};

function pillCell(state) {
  const made = element('td');
  made.append(element('span', 'pill ' + (PILLS[state] || ''), String(state).toLowerCase()));
  return made;
}

function servesCell(row) {
  const made = element('td');
  if (row.stable) made.append(element('span', 'pill tag stable', 'stable'));
  for (const label of row.labels || []) made.append(element('span', 'pill tag', label));
  if (made.childElementCount === 0) fill(made, ['–']).className = 'none';
  return made;
}

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

const COUNTED = {
  rows: s => s.inference_count,
  runs: s => s.execution_count,
  answered: s => s.inference_stats.success.count,
  failed: s => s.inference_stats.fail.count,
  ns: s => s.inference_stats.success.ns,
  queueNs: s => s.inference_stats.queue.ns,
};
const COUNTS = Object.keys(COUNTED);
const nothing = () => Object.fromEntries(COUNTS.map(name => [name, 0]));

function sampleOf(statistics) {
  const versions = new Map();
  for (const one of statistics)
    versions.set(keyOf(one.name, one.version), Object.fromEntries(COUNTS.map(name => [name, COUNTED[name](one)])));
  return { at: performance.now(), versions };
}

/* What was counted between two samples; a counter that went back was started anew. */
function gained(now, before) {
  const gain = nothing();
  for (const name of COUNTS) gain[name] = Math.max(0, now[name] - (before && now[name] >= before[name] ? before[name] : 0));
  return gain;
}

function ratesBetween(before, now) {
  const seconds = (now.at - before.at) / 1000;
  const rates = new Map();
  const all = nothing();
  for (const [key, counts] of now.versions) {
    const gain = gained(counts, before.versions.get(key));
    for (const name of COUNTS) all[name] += gain[name];
    rates.set(key, summary(gain, seconds));
  }
  return { all: summary(all, seconds), versions: rates };
}

function summary(gain, seconds) {
  return {
    rows: gain.rows / seconds,
    requests: (gain.answered + gain.failed) / seconds,
    failures: gain.failed / seconds,
    rowsPerRun: gain.runs > 0 ? gain.rows / gain.runs : undefined,
    ms: gain.answered > 0 ? gain.ns / gain.answered / 1e6 : undefined,
    queueMs: gain.answered > 0 ? gain.queueNs / gain.answered / 1e6 : undefined,
  };
}

function remember(sample) {
  const last = samples.at(-1);
  samples.push(sample);
  if (samples.length > RATE_SAMPLES + 1) samples.shift();
  if (!last) return;
  const step = ratesBetween(last, sample);
  for (const key of lines.keys()) if (key !== '' && !step.versions.has(key)) lines.delete(key);
  extend('', step.all.rows);
  for (const [key, rates] of step.versions) extend(key, rates.rows);
}

function extend(key, value) {
  const line = lines.get(key) || [];
  line.push(value);
  if (line.length > LINE_SAMPLES) line.shift();
  lines.set(key, line);
}

function reasonCell(reason, columns) {
  const made = element('td', 'reason');
  made.colSpan = columns;
  made.title = reason;
  made.append(element('span', '', reason));
  return made;
}

/* A version that does not serve has its reason in place of numbers; one that serves has what was refused below it. */
function modelRows(row, rates, sameAsAbove) {
  const line = element('tr', sameAsAbove ? 'same' : '');
  line.append(cell(row.name, 'name'), cell(row.version || '–'), pillCell(row.state));
  if (row.state === 'UNAVAILABLE' && row.reason) {
    line.append(reasonCell(row.reason, 10));
    return [line];
  }
  line.append(
    servesCell(row), cell(number(rates.rows), 'n'), sparkCell(keyOf(row.name, row.version)),
    cell(number(rates.rowsPerRun), 'n'), measured(rates.ms, 'ms'), measured(rates.queueMs, 'ms'),
    cell(number(rates.failures), rates.failures > 0 ? 'n alarm' : 'n'), cell(number(row.queuedRows), 'n'),
    cell(number(row.instances), 'n'), measured(row.memoryBytes, 'bytes'),
  );
  if (!row.reason) return [line];
  const note = element('tr', 'note');
  const before = element('td');
  before.colSpan = 2;
  note.append(before, reasonCell(row.reason, 11));
  return [line, note];
}

function workerRow(row) {
  const line = element('tr');
  const loaded = (row.models || []).map(one => one.model + ':' + one.version + (one.instances > 1 ? ' ×' + one.instances : ''));
  line.append(
    cell(row.name, 'name'), pillCell(row.state), cell(row.device || '–'), cell(row.pid ? String(row.pid) : '–', 'n'),
    measured(row.memoryBytes, 'bytes'), cell(loaded.join(', ') || '–', 'far list'),
    cell(number(row.restarts), row.restarts > 0 ? 'n history alarm' : 'n history'), cell(row.detail || '–', 'history'),
  );
  return line;
}

function emptyRow(columns, text) {
  const line = element('tr');
  const made = element('td', 'empty', text);
  made.colSpan = columns;
  line.append(made);
  return line;
}

function byNameAndVersion(a, b) {
  return a.name.localeCompare(b.name, 'en') || String(a.version).localeCompare(String(b.version), 'en', { numeric: true });
}

function showModels(unsorted, rates) {
  const models = [...unsorted].sort(byNameAndVersion);
  const rows = models.flatMap((row, i) =>
    modelRows(row, (rates && rates.versions.get(keyOf(row.name, row.version))) || {}, i > 0 && models[i - 1].name === row.name));
  byId('models').replaceChildren(...(rows.length > 0 ? rows : [emptyRow(13, 'No models in the repository.')]));
  const ready = models.filter(row => row.state === 'READY').length;
  byId('model-count').textContent = ready + ' of ' + models.length + ' versions ready';
}

function showWorkers(workers) {
  const rows = workers.map(workerRow);
  byId('workers').replaceChildren(...(rows.length > 0 ? rows : [emptyRow(8, 'No workers.')]));
  byId('worker-card').classList.toggle('no-history', workers.every(row => row.restarts === undefined && !row.detail));
  const ready = workers.filter(row => row.state === 'ready').length;
  byId('worker-count').textContent = ready + ' of ' + workers.length + ' ready';
}

function showNow(rates, models) {
  const now = rates ? rates.all : {};
  byId('rows-rate').textContent = number(now.rows);
  byId('request-rate').textContent = number(now.requests);
  byId('fail-rate').textContent = number(now.failures);
  byId('fail-rate').className = now.failures > 0 ? 'alarm' : '';
  byId('batch-mean').textContent = number(now.rowsPerRun);
  fill(byId('latency'), quantity(now.ms, 'ms'));
  byId('queued').textContent = number(models.reduce((sum, row) => sum + (row.queuedRows || 0), 0));
  draw(byId('rows-line'), lines.get('') || []);
}

function showHealth(ready) {
  byId('health').textContent = ready ? 'ready' : 'not ready';
  byId('health').className = 'pill ' + (ready ? 'good' : 'bad');
}

/* The origin goes first: a page opened by an address with a password in it may not fetch relative to that. */
function get(path) {
  return fetch(location.origin + path, { cache: 'no-store' });
}

async function ask(path) {
  const answer = await get(path);
  if (!answer.ok) throw new Error(path + ' answered ' + answer.status);
  return answer.json();
}

async function refresh() {
  const [models, workers, statistics, health] = await Promise.all([
    ask('/v1/models'), ask('/v1/workers'), ask('/v2/models/stats'), get('/v2/health/ready'),
  ]);
  remember(sampleOf(statistics.model_stats));
  const rates = samples.length > 1 ? ratesBetween(samples[0], samples.at(-1)) : undefined;
  showHealth(health.ok);
  showModels(models, rates);
  showWorkers(workers);
  showNow(rates, models);
  heard = performance.now();
}

function showTrouble(text) {
  byId('trouble').hidden = text === '';
  byId('trouble').textContent = text;
  document.body.classList.toggle('stale', text !== '');
}

function showAge() {
  byId('updated').textContent = heard === 0 ? '' : 'updated ' + Math.round((performance.now() - heard) / 1000) + ' s ago';
}

async function loop() {
  if (!document.hidden) {
    try {
      await refresh();
      showTrouble('');
    } catch (error) {
      showTrouble('The gateway does not answer: ' + error.message + (heard === 0 ? '.' : '. What is shown is old.'));
      byId('health').textContent = 'unreachable';
      byId('health').className = 'pill bad';
    }
  }
  showAge();
  setTimeout(loop, EVERY_MS);
}

setInterval(showAge, 1000);
loop();
`;
