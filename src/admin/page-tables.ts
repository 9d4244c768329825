/** The tables of models and of workers. */
export const tables = `
function servesCell(row) {
  const made = element('td');
  if (row.stable) made.append(element('span', 'pill tag stable', 'stable'));
  for (const label of row.labels || []) made.append(element('span', 'pill tag', label));
  if (made.childElementCount === 0) fill(made, ['–']).className = 'none';
  return made;
}

/* A version that does not serve has its reason in place of numbers; one that serves has what was refused below it. */
function modelRows(row, rates, sameAsAbove) {
  const line = element('tr', sameAsAbove ? 'same' : '');
  line.append(nameCell(row.name), cell(row.version || '–'), pillCell(row.state));
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
    nameCell(row.name), pillCell(row.state), cell(row.device || '–'), cell(row.pid ? String(row.pid) : '–', 'n'),
    measured(row.memoryBytes, 'bytes'), cell(loaded.join(', ') || '–', 'far list'),
    cell(number(row.restarts), row.restarts > 0 ? 'n history alarm' : 'n history'), cell(row.detail || '–', 'history'),
  );
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
`;
