/** The table of what was learned about batches: which sizes pay, for the versions that are busiest. */
export const batches = `
const MAX_LEARNED = 12;
const MAX_OF_A_VERSION = 3;

/* Counted in doublings, so that rows as busy as each other do not change places each time. */
const busyness = perSecond => (perSecond < 0.5 ? 0 : 2 + Math.round(Math.log2(perSecond)));

function bySignature(a, b) {
  return busyness(b.arrivalsPerSecond) - busyness(a.arrivalsPerSecond)
    || (a.kind + a.signature).localeCompare(b.kind + b.signature, 'en', { numeric: true });
}

/* The busiest versions first, of each its busiest kinds and shapes: fewer of each where there are many versions. */
function busiest(learned) {
  const versions = new Map();
  for (const row of learned) {
    const key = keyOf(row.model, row.version);
    if (!versions.has(key)) versions.set(key, { name: row.model, version: row.version, perSecond: 0, rows: [] });
    versions.get(key).rows.push(row);
    versions.get(key).perSecond += row.arrivalsPerSecond;
  }
  const sorted = [...versions.values()].sort((a, b) => busyness(b.perSecond) - busyness(a.perSecond) || byNameAndVersion(a, b));
  let each = MAX_OF_A_VERSION;
  while (each > 1 && sorted.reduce((sum, { rows }) => sum + Math.min(each, rows.length), 0) > MAX_LEARNED) each--;
  return sorted.flatMap(({ rows }) => rows.sort(bySignature).slice(0, each)).slice(0, MAX_LEARNED);
}

/* 3×48×* up to 320: dimensions of a row, and the bucket of those that are padded. As it is where it says more. */
function shapeText(signature) {
  const [, shapes, outputs, lengths] = /^([^|=#]*)([^=#]*)(?:=[0-9]+)?(?:#([0-9,]+))?$/.exec(signature) || [];
  if (shapes === undefined) return signature;
  const said = shapes.split(';').map(one => one.slice(1).replaceAll(',', '×')).filter(text => text !== '').join(' + ');
  const numbered = text => text.replace(/^[|]|,$/g, '').split(',').join(', ');
  return [said, lengths ? 'up to ' + numbered(lengths) : '', outputs ? 'outputs ' + numbered(outputs) : '']
    .filter(text => text !== '').join(' ');
}

/* Where batches are not as large as was learned to pay. */
function fixedReason(model) {
  const set = name => ((model && model.settings) || {})['batching.' + name];
  const delay = set('maxQueueDelayMs');
  const preferred = set('preferredBatchSizes');
  if (model && model.maxBatchSize === 0) return 'The model has no batch axis: requests run one at a time.';
  if (delay && delay.value !== 'auto') return 'maxQueueDelayMs is set: batches close by it.';
  return preferred && preferred.value.length > 0 ? 'preferredBatchSizes are set: batches close by them.' : '';
}

function versionCell(row, model, hidden) {
  const made = cell(row.version, hidden ? 'name' : '');
  const reason = fixedReason(model);
  if (reason === '' || hidden) return made;
  const tag = element('span', 'pill tag fixed', 'fixed');
  tag.title = reason;
  made.append(' ', tag);
  return made;
}

function learnedRow(row, model, sameAsAbove) {
  const line = element('tr', sameAsAbove ? 'same' : '');
  const [one, best] = [sizeAt(row.sizes, 1), sizeAt(row.sizes, row.bestRows)];
  const input = cell(row.signature === '' ? '–' : shapeText(row.signature), 'input shape');
  if (row.signature !== '') input.title = row.signature;
  const chart = element('td', 'chart');
  chart.append(latencyChart(row));
  line.append(
    nameCell(row.model), versionCell(row, model, sameAsAbove), cell(row.kind), input,
    cell(number(row.arrivalsPerSecond), 'n'), chart, cell(number(row.togetherRows), 'n'), cell(number(row.kneeRows), 'n'),
    cell(number(row.bestRows), 'n'), measured(one && one.runMs, 'ms'), measured(best && best.runMs, 'ms'),
    cell(one && best ? '×' + number((one.runMs * row.bestRows) / best.runMs) : '–', 'n'),
  );
  return line;
}

function moreRow(count) {
  const line = emptyRow(12, 'And ' + count + ' more, less busy: ');
  const all = element('a', '', 'all of them');
  all.setAttribute('href', '/v1/learned');
  line.firstChild.append(all);
  return line;
}

function showBatches(learned, models) {
  const shown = busiest(learned);
  const known = new Map(models.map(model => [keyOf(model.name, model.version), model]));
  const keys = shown.map(row => keyOf(row.model, row.version));
  const rows = shown.map((row, i) => learnedRow(row, known.get(keys[i]), i > 0 && keys[i] === keys[i - 1]));
  const more = learned.length - shown.length;
  if (more > 0) rows.push(moreRow(more));
  byId('batches').replaceChildren(...(rows.length > 0 ? rows : [emptyRow(12, 'Nothing has run yet.')]));
  byId('batch-card').classList.toggle('one-input', shown.every(row => row.signature === ''));
}
`;
