/** The best that any of a family of policies reaches on one very trace: what a perfect choice of rule and knobs gives. */
import { bestSize, knee, type Latency, type RunTime } from './latency-table.ts';
import { outcomeOf } from './outcome.ts';
import {
  alwaysDivide,
  control,
  type Dividing,
  deferred,
  divideWhereItPays,
  eager,
  eagerWithinDeadline,
  neverDivide,
  staggered,
} from './policies.ts';
import { type Arrival, type Policy, simulate } from './queue.ts';

export interface Setting {
  readonly servers: number;
  readonly service: Latency;
  /** Rows of the largest batch. */
  readonly maxRows: number;
}

export interface NamedPolicy {
  readonly name: string;
  readonly policy: Policy;
}

export interface Ideal {
  readonly p99Ms: number;
  readonly p50Ms: number;
  readonly meanBatch: number;
  readonly utilisation: number;
  /** Of the policy that did it. */
  readonly name: string;
}

/** Rows per ms of all servers, each always running its best size. */
export function saturation({ service, servers, maxRows }: Setting): number {
  return bestSize(service, maxRows).rowsPerMs * servers;
}

/** Policies that know no deadline: eager with every cap, whole or divided, and held back until so many rows or so long. */
export function tailFamily({ service, servers, maxRows }: Setting, rowsPerMs: number): NamedPolicy[] {
  const dividings: [string, Dividing][] = [['whole', neverDivide]];
  if (servers > 1) {
    dividings.push(
      ['divided', alwaysDivide],
      ['divided where it pays', divideWhereItPays(service, rowsPerMs)],
    );
  }
  const eagers = capsOf(service, maxRows).flatMap(cap =>
    dividings.map(([how, divide]) => ({ name: `eager up to ${cap}, ${how}`, policy: eager(cap, divide) })),
  );
  const held = [2, 3, 4, 8, 16].flatMap(rows =>
    [0.1, 0.25, 0.5, 1].map(share => ({
      name: `held for ${rows} rows or ${share} ℓ(1)`,
      policy: control(rows, share * service(1), maxRows),
    })),
  );
  const aims = [1.5, 2, 3, 5].map(aim => ({
    name: `deferred to ${aim} ℓ(1)`,
    policy: deferred({ latency: service, maxRows, aimMs: aim * service(1) }),
  }));
  const apart = capsOf(service, maxRows).flatMap(cap =>
    [0.9, 1.15, 1.5].map(margin => {
      const enough = Math.min(cap, needed(service, cap, (rowsPerMs * margin) / servers));
      return { name: `staggered up to ${enough}, then ${cap}`, policy: staggered(service, enough, cap) };
    }),
  );
  return [...eagers, ...held, ...aims, ...(servers > 1 ? apart : [])];
}

/** Policies that aim at a deadline, those that refuse the hopeless among them, and all that know none. */
export function goodputFamily(setting: Setting, rowsPerMs: number): NamedPolicy[] {
  const { service, maxRows } = setting;
  const aware = capsOf(service, maxRows).flatMap(cap => [
    { name: `deferred up to ${cap}`, policy: deferred({ latency: service, maxRows: cap }) },
    {
      name: `deferred up to ${cap}, refusing`,
      policy: deferred({ latency: service, maxRows: cap, drops: true }),
    },
    { name: `eager up to ${cap} within the deadline`, policy: eagerWithinDeadline(service, cap) },
    {
      name: `eager up to ${cap} within the deadline, divided`,
      policy: eagerWithinDeadline(service, cap, alwaysDivide),
    },
  ]);
  return [...aware, ...tailFamily(setting, rowsPerMs)];
}

/** The lowest p99 of the family on these arrivals; `draw`: the runs' own times, where they differ from what is expected. */
export function idealTail(setting: Setting, arrivals: readonly Arrival[], draw?: () => RunTime): Ideal {
  let best: Ideal | undefined;
  for (const { name, policy } of tailFamily(setting, rateOf(arrivals))) {
    const service = draw?.() ?? setting.service;
    const outcome = outcomeOf(simulate({ ...setting, service, arrivals, policy }));
    if (best === undefined || outcome.p99Ms < best.p99Ms) best = { ...outcome, name };
  }
  return best as Ideal;
}

export interface IdealRate {
  /** Requests per ms. */
  readonly perMs: number;
  readonly name: string;
}

/**
 * The highest rate at which one policy of the family keeps p99 within `sloMs` on every trace that `draw` makes for
 * that rate, to within 0.7 % of saturation; 0 where even the lowest rate misses it.
 */
export function idealRate(
  setting: Setting,
  sloMs: number,
  draw: (perMs: number) => readonly (readonly Arrival[])[],
): IdealRate {
  let low: IdealRate = { perMs: 0, name: 'none' };
  let high = saturation(setting) * 1.3;
  const precision = 0.005 * high;
  while (high - low.perMs > precision) {
    const perMs = (low.perMs + high) / 2;
    const traces = draw(perMs);
    const keeps = ({ policy }: NamedPolicy) =>
      traces.every(arrivals => outcomeOf(simulate({ ...setting, arrivals, policy, sloMs })).p99Ms <= sloMs);
    const found = goodputFamily(setting, perMs).find(keeps);
    if (found === undefined) high = perMs;
    else low = { perMs, name: found.name };
  }
  return low;
}

/** The smallest batch with which one server does so many rows a ms; `maxRows` when none does. */
function needed(latency: Latency, maxRows: number, rowsPerMs: number): number {
  let rows = 1;
  while (rows < maxRows && rows / latency(rows) < rowsPerMs) rows++;
  return rows;
}

/** Powers of two up to the largest, the knee and the best size. */
function capsOf(latency: Latency, maxRows: number): number[] {
  const caps = new Set([maxRows, knee(latency, maxRows), bestSize(latency, maxRows).rows]);
  for (let cap = 1; cap < maxRows; cap *= 2) caps.add(cap);
  return [...caps].sort((a, b) => a - b);
}

/** Rows per ms. */
function rateOf(arrivals: readonly Arrival[]): number {
  const rows = arrivals.reduce((sum, arrival) => sum + arrival.rows, 0);
  const span = (arrivals.at(-1)?.at ?? 0) - (arrivals[0]?.at ?? 0);
  return rows / span;
}
