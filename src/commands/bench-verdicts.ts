/** What measurements mean, in sentences. */
import { printable } from '../load/describe-model.ts';
import type { BenchMode } from './bench-flags.ts';
import { failures, isOverloaded, type Measurement, wrongAnswers } from './bench-measurement.ts';
import { ms, percent, perSecond } from './bench-units.ts';

export interface BenchSummary {
  readonly mode: BenchMode;
  readonly measurements: readonly Measurement[];
  readonly rows: number;
  readonly sloMs: number | undefined;
  readonly isChecked: boolean;
  readonly wantedCheck: boolean;
  readonly aloneMs: number;
  /** What `--find` found, requests/s. */
  readonly found: number | undefined;
  readonly cores: number;
}

/** One sentence each, the most important first. */
export function verdicts(summary: BenchSummary): string[] {
  return [
    ...wrongOnes(summary),
    ...trust(summary),
    ...saturation(summary),
    ...foundRate(summary),
    ...objective(summary),
    ...bottleneck(summary),
    ...failed(summary),
    ...generatorCost(summary),
  ];
}

function wrongOnes({ measurements, isChecked, wantedCheck }: BenchSummary): string[] {
  const wrong = measurements.reduce((sum, one) => sum + wrongAnswers(one), 0);
  if (wrong > 0) {
    const said = measurements.map(({ firsts }) => firsts['wrong']).find(text => text !== undefined) ?? '';
    return [
      `${wrong} answers were WRONG: under load the server answered otherwise than to the same request alone (${printable(said)}).`,
    ];
  }
  if (!wantedCheck) return [];
  return isChecked
    ? ['Every answer was the same as to the same request alone.']
    : [
        'This model answers the same request differently even when it is alone, so its answers were not compared.',
      ];
}

function trust({ measurements }: BenchSummary): string[] {
  const late = measurements.filter(({ generator }) => generator.isVoid !== undefined);
  if (late.length === 0) return [];
  const worst = Math.max(...late.map(({ generator }) => generator.lateShare ?? 0));
  return [
    `In ${late.length} of ${measurements.length} runs, marked ‡, the load generator itself was late: up to ${percent(worst)} of the requests left more than 1 ms after they were due. Their latencies are not to be trusted: they say more of this machine than of the server. Run the generator on a machine with free cores, or, as root on Linux, ahead of all else: chrt -f 10 headgate bench …`,
  ];
}

function saturation({ mode, measurements, rows }: BenchSummary): string[] {
  if (mode.kind !== 'survey' && mode.kind !== 'find') return [];
  const closed = measurements.filter(({ load }) => load.kind === 'closed');
  const best = closed.toSorted((a, b) => b.okPerSecond - a.okPerSecond)[0];
  if (best === undefined || best.load.kind !== 'closed') return [];
  if (best.okPerSecond === 0) return ['The server answered nothing under load.'];
  const rowsText = rows === 1 ? '' : ` (${perSecond(best.okPerSecond * rows)} rows/s)`;
  return [
    `It saturates at about ${perSecond(best.okPerSecond)} requests/s${rowsText}, with ${best.load.connections} connections.`,
  ];
}

function foundRate({ mode, found, measurements }: BenchSummary): string[] {
  if (mode.kind !== 'find' || found === undefined) return [];
  const { sloMs } = mode;
  if (found > 0)
    return [
      `The highest Poisson rate at which 99 of 100 answers came within ${ms(sloMs)} is ${perSecond(found)} requests/s.`,
    ];
  const alone = measurements.find(({ load }) => load.kind === 'closed' && load.connections === 1);
  const reason =
    alone !== undefined && alone.okMs.p50 > sloMs ? `: one request alone takes ${ms(alone.okMs.p50)}` : '';
  return [`No rate was found at which 99 of 100 answers come within ${ms(sloMs)}${reason}.`];
}

function objective({ mode, sloMs, measurements }: BenchSummary): string[] {
  if (sloMs === undefined || mode.kind === 'find') return [];
  return measurements
    .filter(({ load }) => load.kind === 'open' || mode.kind === 'connections')
    .map(one => {
      const isMet = one.okMs.p99 <= sloMs && !isOverloaded(one);
      const load =
        one.load.kind === 'open'
          ? `${perSecond(one.load.offeredPerSecond)} requests/s`
          : `${one.load.connections} connections`;
      return `At ${load} the objective of ${ms(sloMs)} is ${isMet ? 'met' : 'missed'}: p99 is ${ms(one.okMs.p99)}${isOverloaded(one) ? ', and not all were answered' : ''}.`;
    });
}

/** Of the highest load that the server kept up with. */
function bottleneck({ measurements }: BenchSummary): string[] {
  const kept = measurements.filter(one => one.timing !== undefined && !isOverloaded(one));
  const highest = kept.toSorted((a, b) => b.okPerSecond - a.okPerSecond)[0];
  if (highest?.timing === undefined) return [];
  const { queueMs, inferMs, batchRows } = highest.timing;
  const rest = Math.max(0, highest.okMs.mean - queueMs - inferMs);
  return [
    `At ${perSecond(highest.okPerSecond)} answers/s, by the server's own clock, a request waited ${ms(queueMs)} and its model ran ${ms(inferMs)} on average, in batches of ${batchRows.toFixed(1)} rows; the other ${ms(rest)} went to the network, to reading and writing, and to this client.`,
  ];
}

function failed({ measurements }: BenchSummary): string[] {
  const lines: string[] = [];
  for (const [outcome, meaning] of MEANINGS) {
    const count = measurements.reduce((sum, { outcomes }) => sum + outcomes[outcome], 0);
    if (count === 0) continue;
    const said = measurements.map(({ firsts }) => firsts[outcome]).find(text => text !== undefined);
    lines.push(`${count} ${meaning}${said === undefined ? '' : `; the first: ${printable(said)}`}.`);
  }
  const refused = measurements.findLast(({ refusedMs }) => Number.isFinite(refusedMs.p99));
  if (refused !== undefined) lines.push(`Refusals took ${ms(refused.refusedMs.p99)} at the 99th percentile.`);
  return lines;
}

const MEANINGS = [
  ['429', 'were refused with 429: the server had too much to do'],
  ['503', 'were refused with 503: unavailable'],
  ['504', 'got 504: their deadline passed on the server'],
  ['other', 'got another status'],
  ['lost', 'got no answer: their connection ended'],
  ['unconnected', 'found no connection'],
  ['timeout', 'got no answer in time (--timeout)'],
] as const;

function generatorCost({ measurements, cores }: BenchSummary): string[] {
  const most = Math.max(0, ...measurements.map(({ generator }) => generator.cores));
  const waited = measurements.reduce((sum, { generator }) => sum + (generator.waited ?? 0), 0);
  const lines =
    most > 0.1
      ? [
          `The load generator took up to ${most.toFixed(2)} of this machine's ${cores} cores; a server on the same machine had so much less.`,
        ]
      : [];
  if (waited > 0)
    lines.push(
      `${waited} requests found all connections busy and waited for one, which counts as latency (--max-connections).`,
    );
  return lines;
}

/** For the exit code: wrong answers, or nothing answered at all. */
export function hasFailed({ measurements }: BenchSummary): boolean {
  return measurements.some(one => wrongAnswers(one) > 0 || failures(one) === one.requests);
}
