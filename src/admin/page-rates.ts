/** Rates over the last ten seconds, from what the statistics counted, and the last two minutes of them as lines. */
export const rates = `
const RATE_SAMPLES = 5;
const LINE_SAMPLES = 60;
const samples = [];
const lines = new Map();

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
`;
