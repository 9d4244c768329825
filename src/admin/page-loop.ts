/** Asks the routes beside the page every two seconds, and for what was learned every six, and shows what they say. */
export const loop = `
const EVERY_MS = 2000;
/* What was learned changes slowly, and is long where many shapes come. */
const LEARNED_EVERY = 3;
let heard = 0;
let refreshed = 0;

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
  const wantsLearned = refreshed % LEARNED_EVERY === 0;
  const [models, workers, statistics, health, learned] = await Promise.all([
    ask('/v1/models'), ask('/v1/workers'), ask('/v2/models/stats'), get('/v2/health/ready'),
    wantsLearned ? ask('/v1/learned') : undefined,
  ]);
  refreshed++;
  remember(sampleOf(statistics.model_stats));
  const rates = samples.length > 1 ? ratesBetween(samples[0], samples.at(-1)) : undefined;
  showHealth(health.ok);
  showModels(models, rates);
  if (learned) showBatches(learned, models);
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
