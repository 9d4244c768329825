/**
 * R22, S7: three and ten times what a model can do, and ten times in bursts; a part of it urgent. The model is slow, so
 * that neither the gateway nor the load is what is short; it is another than P10's.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { closedLoop } from '../../src/load/closed-loop.ts';
import { type OpenLoopResult, openLoop } from '../../src/load/open-loop.ts';
import { quantile } from '../../src/load/quantile.ts';
import { slow } from '../support/onnx.ts';
import { accountOf } from './account.ts';
import { none, type Row, row, timed } from './figures.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { type Load, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';

const TIMEOUT_MS = 500;
const CONFIG = `coalesce: false
maxBatchSize: 1
timeoutMs: ${TIMEOUT_MS}
priorityLevels: 2
instances: [{ kind: cpu, count: 1 }]
`;
/** Loop turns: some 4 ms a run. */
const TURNS = 5000;
/** One runs, one is on its way, one waits. */
const CONNECTIONS = 3;
/** Of what the model can do, what comes as urgent. */
const URGENT_SHARE = 0.3;
interface Overload {
  readonly name: string;
  readonly times: number;
  /** Of the peak, what is answered in time. */
  readonly least: number;
  readonly bursts?: boolean;
}
const LOADS: readonly Overload[] = [
  { name: 'at 3 ×', times: 3, least: 0.95 },
  { name: 'at 10 ×', times: 10, least: 0.9 },
  // Work for 0.3 of each second, and what may wait then: of half a second by a prediction that allows for half as much again.
  { name: 'in bursts of 10 ×', times: 10, least: 0.6, bursts: true },
];
/** A burst of each second, ms. */
const BURST_MS = 300;
/** Else the lower peak after it would flatter the goodput that is held against it. */
const MIN_PEAK = 0.95;
const MAX_REFUSAL_MS = 10;
const MIN_URGENT = 0.99;
const MAX_GROWTH = 1.3;
const LOOK_MS = 100;

export async function run({ short, seconds, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith({
    target: { versions: { 1: slow(TURNS, WIDTH) }, config: CONFIG },
  });
  const length = seconds ?? (short ? 4 : 20);
  await capacity(subject, length);
  const rows: Row[] = [];
  const details: unknown[] = [];
  let before = await capacity(subject, length);
  for (const overload of LOADS) {
    progress(`${overload.name}, of ${before.toFixed(0)} a second`);
    const pushed = await push(subject, { ...overload, perSecond: before, seconds: length, seed });
    const after = await capacity(subject, length);
    rows.push(...figuresOf(pushed, { before, after }, overload.name, overload.least));
    details.push({ name: overload.name, before, after, ...shownOf(pushed) });
    before = after;
  }
  return { rows, details };
}

/** Right answers per second when callers ask again at once. */
async function capacity({ address }: Subject, seconds: number): Promise<number> {
  const result = await closedLoop({
    ...{ ...address, ...rowsFor('target'), connections: CONNECTIONS, seconds, warmupSeconds: 1 },
  });
  return result.okPerSecond;
}

type Offered = Pick<
  OpenLoopResult,
  'okMs' | 'refusedMs' | 'requests' | 'seconds' | 'outcomes' | 'firsts' | 'generator'
>;

/** Right answers per second when nothing is overloaded. */
interface Peaks {
  readonly before: number;
  readonly after: number;
}

interface Pushed {
  readonly usual: Offered;
  readonly urgent: Offered;
  /** Of the gateway's resident memory, the most ÷ what it was before. */
  readonly growth: number;
}

interface Push {
  readonly times: number;
  readonly bursts?: boolean;
  readonly perSecond: number;
  readonly seconds: number;
  readonly seed: number;
}

async function push(subject: Subject, options: Push): Promise<Pushed> {
  const { times, perSecond, seconds, seed, bursts = false } = options;
  const { pid } = subject.headgate;
  const beforeBytes = residentBytes(pid);
  let mostBytes = beforeBytes;
  const over = new AbortController();
  const watched = (async () => {
    while (!over.signal.aborted) {
      mostBytes = Math.max(mostBytes, residentBytes(pid));
      await sleep(LOOK_MS);
    }
  })();
  const urgentPerSecond = URGENT_SHARE * perSecond;
  const [usual, urgent] = await Promise.all([
    offer(
      subject,
      rowsFor('target'),
      usualArrivals(times * perSecond - urgentPerSecond, seconds, seed, bursts),
    ),
    offer(subject, urgentLoad(), arrivals(urgentPerSecond, seconds, seed + 1)),
  ]);
  over.abort();
  await watched;
  return { usual, urgent, growth: mostBytes / beforeBytes };
}

function offer({ address }: Subject, load: Load, arrivals: Float64Array) {
  return openLoop({
    ...{ ...address, ...load, maxConnections: 4096, timeoutMs: TIMEOUT_MS + 1000, arrivals },
  });
}

function arrivals(perSecond: number, seconds: number, seed: number): Float64Array {
  return poissonArrivals(perSecond, Math.ceil(perSecond * seconds), seed);
}

function usualArrivals(perSecond: number, seconds: number, seed: number, bursts: boolean): Float64Array {
  if (!bursts) return arrivals(perSecond, seconds, seed);
  const busy = arrivals(perSecond, (seconds * BURST_MS) / 1000, seed);
  return busy.map(ms => Math.floor(ms / BURST_MS) * 1000 + (ms % BURST_MS));
}

function urgentLoad(): Load {
  const { requests, check } = rowsFor('target');
  return { requests: requests.map(request => withHeader(request, 'headgate-priority: 1')), check };
}

/** Behind the request line. */
function withHeader(request: Buffer, header: string): Buffer {
  const at = request.indexOf('\r\n') + 2;
  return Buffer.concat([request.subarray(0, at), Buffer.from(`${header}\r\n`), request.subarray(at)]);
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib) * 1024;
}

/** Pure. Goodput is held against the mean of both peaks, over all the time until the last request's end. */
export function figuresOf(pushed: Pushed, { before, after }: Peaks, at: string, least: number): Row[] {
  const { usual, urgent, growth } = pushed;
  const seconds = Math.max(usual.seconds, urgent.seconds);
  const good = [usual, urgent].reduce((sum, { okMs }) => sum + okMs.filter(ms => ms <= TIMEOUT_MS).length, 0);
  const goodput = good / seconds / ((before + after) / 2);
  const refusedMs = Float64Array.from([...usual.refusedMs, ...urgent.refusedMs]).sort();
  const refusalMs = quantile(refusedMs, 0.99);
  const answered = urgent.okMs.filter(ms => ms <= TIMEOUT_MS).length / urgent.requests;
  const accounts = [accountOf(usual), accountOf(urgent)];
  const bad = accounts.reduce((sum, { lost, wrong, failed }) => sum + lost + wrong + failed, 0);
  return [
    timed(`S7 goodput ${at}`, goodput.toFixed(3), `≥ ${least}`, goodput >= least),
    timed(
      `S7 peak after ÷ before ${at}`,
      (after / before).toFixed(3),
      `≥ ${MIN_PEAK}`,
      after >= MIN_PEAK * before,
    ),
    timed(
      `S7 refused within, p99 ${at}`,
      `${refusalMs.toFixed(1)} ms`,
      `≤ ${MAX_REFUSAL_MS} ms`,
      refusalMs <= MAX_REFUSAL_MS,
    ),
    timed(
      `S7 urgent ones answered ${at}`,
      `${(100 * answered).toFixed(2)} %`,
      `≥ ${100 * MIN_URGENT} %`,
      answered >= MIN_URGENT,
    ),
    row(`S7 memory ${at}`, `${growth.toFixed(2)} ×`, `≤ ${MAX_GROWTH} ×`, growth <= MAX_GROWTH),
    none(`S7 lost, wrong or failed ${at}`, bad, usual.requests + urgent.requests),
  ];
}

function shownOf({ usual, urgent, growth }: Pushed) {
  const shown = ({ outcomes, firsts, generator, okMs, refusedMs }: Offered) => ({
    ...{ outcomes, firsts, generator },
    okP99Ms: quantile(okMs, 0.99),
    refusedP50Ms: quantile(refusedMs, 0.5),
  });
  return { usual: shown(usual), urgent: shown(urgent), growth };
}
