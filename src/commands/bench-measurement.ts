/** One measurement of `headgate bench`, as its report and its JSON hold it. */
import type { ClosedLoopResult } from '../load/closed-loop.ts';
import type { Timed } from '../load/model-load.ts';
import type { OpenLoopResult } from '../load/open-loop.ts';
import type { Outcomes } from '../load/outcome.ts';
import { quantile } from '../load/quantile.ts';
import type { ServerTiming } from '../load/server-timing.ts';

export interface Quantiles {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface Measurement {
  readonly load:
    | { readonly kind: 'closed'; readonly connections: number }
    | { readonly kind: 'open'; readonly offeredPerSecond: number };
  readonly seconds: number;
  readonly requests: number;
  readonly okPerSecond: number;
  /** Of correct answers; NaN where there were none. */
  readonly okMs: Quantiles;
  readonly refusedMs: Quantiles;
  readonly outcomes: Outcomes;
  /** Of the warm-up, where there was one. */
  readonly warmup: Outcomes | undefined;
  /** For each outcome but ok, what the first one said. */
  readonly firsts: Readonly<Record<string, string>>;
  /** What the server says of its own time, where it does. */
  readonly timing: ServerTiming | undefined;
  readonly generator: {
    /** Cores' worth of CPU that it took. */
    readonly cores: number;
    readonly lateShare: number | undefined;
    readonly lateMaxMs: number | undefined;
    /** Requests that found every connection busy. */
    readonly waited: number | undefined;
    readonly connections: number;
    readonly isVoid: string | undefined;
  };
}

export function closedMeasurement(connections: number, result: Timed<ClosedLoopResult>): Measurement {
  const { seconds, requests, okPerSecond, outcomes, warmup, firsts, timing, cpuSeconds } = result;
  return {
    load: { kind: 'closed', connections },
    ...{ seconds, requests, okPerSecond, outcomes, warmup, firsts, timing },
    okMs: quantiles(result.okMs),
    refusedMs: quantiles(result.refusedMs),
    generator: {
      cores: cpuSeconds / seconds,
      ...{ lateShare: undefined, lateMaxMs: undefined, waited: undefined, connections, isVoid: undefined },
    },
  };
}

export function openMeasurement(offeredPerSecond: number, result: Timed<OpenLoopResult>): Measurement {
  const { seconds, requests, okPerSecond, outcomes, firsts, timing, generator } = result;
  const { cpuSeconds, lateShare, lateMaxMs, waited, connections, isVoid } = generator;
  return {
    load: { kind: 'open', offeredPerSecond },
    ...{ seconds, requests, okPerSecond, outcomes, warmup: undefined, firsts, timing },
    okMs: quantiles(result.okMs),
    refusedMs: quantiles(result.refusedMs),
    generator: { cores: cpuSeconds / seconds, ...{ lateShare, lateMaxMs, waited, connections, isVoid } },
  };
}

function quantiles(ascending: Float64Array): Quantiles {
  return {
    mean: ascending.reduce((sum, value) => sum + value, 0) / ascending.length,
    p50: quantile(ascending, 0.5),
    p90: quantile(ascending, 0.9),
    p99: quantile(ascending, 0.99),
    max: ascending.at(-1) ?? Number.NaN,
  };
}

/** Wrong ones of the warm-up included: a wrong answer is one whenever it came. */
export const wrongAnswers = ({ outcomes, warmup }: Measurement): number =>
  outcomes.wrong + (warmup?.wrong ?? 0);

/** What was not answered with a result, whatever the reason. */
export const failures = ({ requests, outcomes }: Measurement): number => requests - outcomes.ok;

export const isOverloaded = ({ load, okPerSecond, requests, outcomes }: Measurement): boolean =>
  load.kind === 'open' && (okPerSecond < load.offeredPerSecond * 0.9 || outcomes.ok < requests * 0.99);
