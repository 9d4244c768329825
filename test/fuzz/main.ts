/** `npm run fuzz`: see USAGE. Prints what it found with the seed, the number and the least bytes, and ends with 1. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { endWith, readFlags } from '../../bench/support/flags.ts';
import { progress } from '../../bench/support/report.ts';
import { CONFIG_FORMS, KINDS, type Kind } from './fuzz-case.ts';
import { casesOf, type FuzzRun, fuzz } from './fuzz-run.ts';
import { leastOf } from './least.ts';
import { Report } from './report.ts';

const USAGE = `npm run fuzz -- [--cases 1000000] [--seed 1] [--only ${KINDS.join(',')}] [--minutes 60]
  [--loads 1000] [--from 0]     # --only json --from 1234 --cases 1 runs one case again

Malformed and damaged input of every kind, drawn from the seed: raw HTTP, JSON and binary inferences against a real
gateway, configuration (${CONFIG_FORMS.join(', ')}) and model files against their readers; --loads models are loaded.`;
const FOLDER = 'data/fuzz';
const PROGRESS_MS = 5000;

const { values } = readFlags(
  {
    options: {
      cases: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string', default: KINDS.join(',') },
      minutes: { type: 'string', default: '60' },
      loads: { type: 'string', default: '1000' },
      from: { type: 'string', default: '0' },
    },
  },
  USAGE,
);

function whole(flag: 'cases' | 'seed' | 'loads' | 'from' | 'minutes'): number {
  const value = Number(values[flag]);
  return Number.isSafeInteger(value) && value >= 0
    ? value
    : endWith(`--${flag}: expected a whole number`, USAGE);
}

function kindsOf(text: string): Kind[] {
  const wanted = text.split(',');
  const unknown = wanted.find(name => !KINDS.some(kind => kind === name));
  if (unknown !== undefined) endWith(`--only: expected of ${KINDS.join(', ')}, found ${unknown}`, USAGE);
  return KINDS.filter(kind => wanted.includes(kind));
}

const run: FuzzRun = {
  cases: whole('cases'),
  seed: whole('seed'),
  kinds: kindsOf(values.only),
  from: whole('from'),
  loads: whole('loads'),
  signal: AbortSignal.timeout(whole('minutes') * 60_000),
};
const report = new Report();
const began = performance.now();
const ticking = setInterval(() => progress(progressLine()), PROGRESS_MS);
const { worstHealthMs, rssBytes } = await fuzz(run, report);
clearInterval(ticking);
await printFindings();
printTotals();
process.exitCode = report.findings.size === 0 ? 0 : 1;

function seconds(): number {
  return (performance.now() - began) / 1000;
}

function progressLine(): string {
  const kinds = [...report.kinds].map(
    ([kind, { cases, outcomes }]) => `${kind} ${cases}/${casesOf(run, kind)} (${outcomes.size} outcomes)`,
  );
  const rate = Math.round(report.cases / seconds());
  return `${Math.round(seconds())} s, ${rate}/s: ${kinds.join(', ')}; ${report.findings.size} classes of findings`;
}

async function printFindings(): Promise<void> {
  for (const [key, { times, kept }] of report.findings) {
    console.log(`\nFOUND ${times} times: ${key}`);
    for (const finding of kept) {
      const least = finding === kept[0] ? await leastOf(finding) : finding.case.bytes;
      const { kind, index, form = '' } = finding.case;
      const file = path.join(FOLDER, `${kind}-${run.seed}-${index}`);
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(file, least);
      console.log(`  ${kind} ${form} seed ${run.seed} number ${index}, ${least.length} bytes in ${file}`);
      console.log(`  ${JSON.stringify(least.toString('latin1').slice(0, 300))}\n  ${finding.detail}`);
    }
  }
}

function printTotals(): void {
  for (const [kind, { cases, outcomes }] of report.kinds) {
    console.log(
      `${kind.padEnd(8)} ${String(cases).padStart(9)} cases ${String(outcomes.size).padStart(6)} outcomes`,
    );
  }
  const troubles = (['crash', 'hang', '5xx', 'no answer', 'leak', 'disagreement', 'growth'] as const)
    .map(trouble => `${trouble} ${report.count(trouble)}`)
    .join(', ');
  console.log(
    `${report.cases} cases of seed ${run.seed} in ${seconds().toFixed(0)} s (${Math.round(report.cases / seconds())}/s), ` +
      `${report.outcomes} outcomes; ${troubles}; slowest health answer ${worstHealthMs.toFixed(0)} ms, ` +
      `resident ${megabytes(rssBytes[0])} → ${megabytes(rssBytes.at(-1))} MB`,
  );
  writeSummary();
}

function megabytes(bytes = 0): string {
  return (bytes / 1e6).toFixed(0);
}

function writeSummary(): void {
  const outcomes = Object.fromEntries(
    [...report.kinds].map(([kind, count]) => [kind, Object.fromEntries(count.outcomes)]),
  );
  const file = path.join(FOLDER, 'outcomes.json');
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify({ seed: run.seed, seconds: seconds(), outcomes, rssBytes }, null, 1)}\n`,
  );
  console.log(`every outcome is in ${file}`);
}
