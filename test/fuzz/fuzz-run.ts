/** A whole run: the wire kinds one after the other against one server, files beside them, some models really loaded. */
import { CaseSource } from './case-source.ts';
import type { FuzzCase, Kind } from './fuzz-case.ts';
import { growthOf } from './growth.ts';
import { Health, LATE_MS } from './health.ts';
import { fuzzInProcess } from './in-process-run.ts';
import { fuzzLoads } from './load-run.ts';
import type { Report } from './report.ts';
import { FuzzedHeadgate } from './subject.ts';
import { fuzzWire } from './wire-run.ts';

export interface FuzzRun {
  readonly seed: number;
  readonly cases: number;
  readonly kinds: readonly Kind[];
  /** The number of each kind's first case. */
  readonly from: number;
  /** Models that are really loaded. */
  readonly loads: number;
  readonly signal: AbortSignal;
}

/** Of a run's cases; those on the wire cost the most. */
const SHARES: Readonly<Record<Kind, number>> = { http: 2, json: 3, binary: 3, config: 1, model: 1 };
/** One late answer in a run is what a busy machine does; a server that hangs is late again and again. */
const ALLOWED_LATE = 2;

export function casesOf({ cases, kinds }: Pick<FuzzRun, 'cases' | 'kinds'>, kind: Kind): number {
  if (!kinds.includes(kind)) return 0;
  const all = kinds.reduce((sum, other) => sum + SHARES[other], 0);
  return Math.ceil((cases * SHARES[kind]) / all);
}

export interface RunSummary {
  readonly worstHealthMs: number;
  readonly rssBytes: readonly number[];
}

export async function fuzz(run: FuzzRun, report: Report): Promise<RunSummary> {
  const { seed, signal, from } = run;
  const files = (['config', 'model'] as const)
    .filter(kind => run.kinds.includes(kind))
    .map(kind => fuzzInProcess({ kind, seed, from, cases: from + casesOf(run, kind), signal }, report));
  const loads = run.kinds.includes('model')
    ? fuzzLoads({ seed, loads: run.loads, signal }, report)
    : undefined;
  const [summary] = await Promise.all([fuzzWires(run, report), loads, ...files]);
  return summary;
}

async function fuzzWires(run: FuzzRun, report: Report): Promise<RunSummary> {
  const wires = (['http', 'json', 'binary'] as const).filter(kind => run.kinds.includes(kind));
  if (wires.length === 0) return { worstHealthMs: 0, rssBytes: [] };
  await using subject = await FuzzedHeadgate.start();
  const health = new Health(subject);
  let last: FuzzCase | undefined;
  try {
    for (const kind of wires) {
      const cases = drawn(kind, run, fuzzed => {
        last = fuzzed;
      });
      await fuzzWire({ kind, cases, signal: run.signal }, subject, report);
    }
  } finally {
    health.stop();
  }
  if (last !== undefined) judgeHealth(health, last, report);
  return { worstHealthMs: health.worstMs, rssBytes: health.rssBytes };
}

function* drawn(kind: Kind, run: FuzzRun, note: (fuzzed: FuzzCase) => void): Generator<FuzzCase, undefined> {
  const source = new CaseSource(kind, run.seed);
  const to = run.from + casesOf(run, kind);
  for (let index = run.from; index < to; index++) {
    const fuzzed = source.at(index);
    note(fuzzed);
    yield fuzzed;
  }
}

/** No one case can be named for these. */
function judgeHealth(health: Health, last: FuzzCase, report: Report): void {
  const { late, worstMs } = health;
  if (late > ALLOWED_LATE) {
    const detail = `${late} health requests took ${LATE_MS} ms or more, one ${Math.round(worstMs)} ms`;
    report.found({ trouble: 'hang', case: last, detail });
  }
  const growth = growthOf(health.rssBytes);
  if (growth === undefined) return;
  report.found({
    trouble: 'growth',
    case: last,
    detail: `from ${growth.from} to ${growth.to} bytes resident`,
  });
}
