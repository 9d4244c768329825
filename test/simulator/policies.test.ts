/** The policies on traces short enough to follow by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { poisson } from '../../bench/simulator/arrivals.ts';
import { idealRate, idealTail, saturation } from '../../bench/simulator/ideal.ts';
import { bestSize, knee, latencyOf } from '../../bench/simulator/latency-table.ts';
import { goodput, outcomeOf } from '../../bench/simulator/outcome.ts';
import {
  alwaysDivide,
  control,
  deferred,
  divideWhereItPays,
  eager,
  eagerWithinDeadline,
  fixed,
  staggered,
} from '../../bench/simulator/policies.ts';
import { type Policy, type Simulation, simulate } from '../../bench/simulator/queue.ts';

/** 10 ms, and 1 ms for every row after the first. */
const latency = latencyOf([
  { rows: 1, ms: 10 },
  { rows: 101, ms: 110 },
]);

interface Case extends Partial<Omit<Simulation, 'arrivals' | 'policy'>> {
  readonly behaviour: string;
  readonly at: readonly number[];
  readonly policy: Policy;
  readonly batches: readonly number[];
  readonly latenciesMs: readonly number[];
}

const NEVER = Number.POSITIVE_INFINITY;

const cases: readonly Case[] = [
  {
    behaviour: 'eager sends all that came during a run',
    at: [0, 1, 2, 3],
    policy: eager(8),
    batches: [1, 3],
    latenciesMs: [10, 21, 20, 19],
  },
  {
    behaviour: 'eager sends no more than its cap',
    at: [0, 1, 2, 3],
    policy: eager(2),
    batches: [1, 2, 1],
    latenciesMs: [10, 20, 19, 28],
  },
  {
    behaviour: 'eager to one server does not divide',
    at: [0, 0, 0, 0],
    policy: eager(8),
    servers: 2,
    batches: [4],
    latenciesMs: [13, 13, 13, 13],
  },
  {
    behaviour: 'eager divides over the free servers',
    at: [0, 0, 0, 0],
    policy: eager(8, alwaysDivide),
    servers: 2,
    batches: [2, 2],
    latenciesMs: [11, 11, 11, 11],
  },
  {
    behaviour: 'does not divide where later arrivals would pay more for it',
    at: [0, 0, 0, 0],
    policy: eager(8, divideWhereItPays(latency, 1)),
    servers: 2,
    batches: [4],
    latenciesMs: [13, 13, 13, 13],
  },
  {
    behaviour: 'fixed sends a full batch at once and another after its delay',
    at: [0, 1, 2],
    policy: fixed(2, 5),
    batches: [2, 1],
    latenciesMs: [12, 11, 20],
  },
  {
    behaviour: 'control waits for its rows, then takes all',
    at: [0, 1, 2, 40],
    policy: control(3, 20, 8),
    batches: [3, 1],
    latenciesMs: [14, 13, 12, 30],
  },
  {
    behaviour: 'deferred goes when one more row would be too many for the deadline',
    at: [0, 1],
    policy: deferred({ latency, maxRows: 8 }),
    sloMs: 30,
    batches: [2],
    latenciesMs: [29, 28],
  },
  {
    behaviour: 'deferred refuses what no run can answer in time',
    at: [0, 11],
    policy: deferred({ latency, maxRows: 1, drops: true }),
    sloMs: 9,
    batches: [],
    latenciesMs: [NEVER, NEVER],
  },
  {
    behaviour: 'within the deadline, a batch is no larger than the first one’s deadline allows',
    at: [0, 1, 2, 3],
    policy: eagerWithinDeadline(latency, 8),
    sloMs: 20.5,
    batches: [1, 2],
    latenciesMs: [10, 20, 19, NEVER],
  },
  {
    behaviour: 'staggered servers start half a run apart',
    at: [0, 1, 2],
    policy: staggered(latency, 4, 8),
    servers: 2,
    batches: [1, 2],
    latenciesMs: [10, 15.5, 14.5],
  },
  {
    behaviour: 'a batch that is sent ahead starts when the last one ends, without those who come later',
    at: [0, 1, 9],
    policy: eager(8),
    sendAheadMs: 5,
    transferMs: 2,
    batches: [1, 1, 1],
    latenciesMs: [12, 21, 23],
  },
];

describe('a policy', () => {
  for (const { behaviour, at, policy, batches, latenciesMs, ...rest } of cases) {
    it(behaviour, () => {
      const arrivals = at.map(ms => ({ at: ms, rows: 1 }));
      const simulated = simulate({ servers: 1, service: latency, ...rest, arrivals, policy });
      assert.deepEqual(simulated.batches, batches);
      assert.deepEqual(Array.from(simulated.latenciesMs), latenciesMs);
    });
  }

  it('sends a request of many rows whole', () => {
    const arrivals = [3, 6, 2].map(rows => ({ at: 0, rows }));
    const { batches } = simulate({ servers: 1, service: latency, arrivals, policy: eager(8) });
    assert.deepEqual(batches, [3, 8]);
  });

  it('must not wait for what has passed', () => {
    const policy: Policy = ({ now }) => ({ kind: 'wait', until: now });
    assert.throws(
      () => simulate({ servers: 1, service: latency, arrivals: [{ at: 0, rows: 1 }], policy }),
      /has passed/,
    );
  });
});

describe('the latency table', () => {
  it('draws lines between its points and beyond the last keeps the cost of a row', () => {
    assert.deepEqual([1, 2, 51, 101, 202].map(latency), [10, 11, 60, 110, 220]);
  });

  it('knows the best size and the smallest as good as that', () => {
    assert.equal(bestSize(latency, 101).rows, 101);
    assert.equal(knee(latency, 101), 74);
    assert.equal(
      knee(
        latencyOf([
          { rows: 1, ms: 1 },
          { rows: 8, ms: 9 },
        ]),
        8,
      ),
      1,
    );
  });
});

describe('the ideal', () => {
  const setting = { servers: 2, service: latency, maxRows: 32 };
  const arrivals = poisson(saturation(setting) * 0.6, 4000, 3);

  it('has no longer tail than any of its rules', () => {
    const ideal = idealTail(setting, arrivals);
    for (const cap of [1, 8, 32]) {
      const { p99Ms } = outcomeOf(simulate({ ...setting, arrivals, policy: eager(cap) }));
      assert.ok(ideal.p99Ms <= p99Ms);
    }
  });

  it('finds a rate that one rule keeps, and that none keeps a little above', () => {
    const draw = (perMs: number) => [poisson(perMs, 2000, 1), poisson(perMs, 2000, 2)];
    const rate = idealRate(setting, 50, draw);
    assert.ok(rate.perMs > 0 && rate.perMs < saturation(setting) * 1.3);
    assert.equal(idealRate(setting, 9, draw).perMs, 0);
  });

  it('counts only answers in time as goodput', () => {
    const simulated = simulate({
      ...setting,
      arrivals: [
        { at: 0, rows: 1 },
        { at: 0, rows: 1 },
      ],
      policy: eager(1),
      servers: 1,
    });
    assert.equal(goodput(simulated, 10), 1000 / 20);
  });
});
