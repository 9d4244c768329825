/** The batcher's decisions, played by a simulator that shares no code with it, against the best of a family of rules. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { poisson } from '../../bench/simulator/arrivals.ts';
import { idealTail, saturation } from '../../bench/simulator/ideal.ts';
import { latencyOf } from '../../bench/simulator/latency-table.ts';
import { outcomeOf } from '../../bench/simulator/outcome.ts';
import { eager } from '../../bench/simulator/policies.ts';
import { type Policy, simulate } from '../../bench/simulator/queue.ts';
import { closeAuto } from '../../src/batch/auto-closing.ts';
import { economyOf } from '../../src/batch/batch-economy.ts';

/** ms by rows, as measured on real models, and on a GPU that takes 32 rows like one. */
const TABLES: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  'wide MLP': { 1: 3.7, 2: 3.9, 4: 4.2, 8: 5, 16: 7, 32: 11, 64: 21, 128: 42 },
  recogniser: { 1: 10.3, 2: 21, 4: 44, 8: 100 },
  'text direction': { 1: 0.49, 2: 0.93, 4: 1.83, 8: 3.6, 16: 7.1 },
  GPU: { 1: 8.4, 8: 8.4, 32: 8.5 },
};

interface Played {
  readonly ours: number;
  readonly eager: number;
  readonly ideal: number;
}

function play(table: Readonly<Record<number, number>>, servers: number, load: number): Played {
  const sizes = Object.entries(table).map(([rows, ms]) => ({ rows: Number(rows), ms }));
  const service = latencyOf(sizes);
  const maxRows = sizes.at(-1)?.rows ?? 1;
  const perMs = saturation({ service, servers, maxRows }) * load;
  const arrivals = poisson(perMs, 5_000, 11);
  const points = sizes.map(({ rows, ms }) => ({
    rows,
    runs: 9,
    runMs: ms,
    upperMs: ms,
    overheadMs: 0,
    leastOverheadMs: 0,
  }));
  const economy = economyOf(points, maxRows, []);
  const ours: Policy = ({ now, waitingRows, freeServers, sentAt }) =>
    closeAuto({
      now,
      rows: waitingRows,
      total: servers,
      free: freeServers,
      arrivalsPerMs: perMs,
      sentAt,
      leftMs: Number.POSITIVE_INFINITY,
      points,
      economy,
      maxRows,
      explores: false,
    });
  const p99 = (policy: Policy) => outcomeOf(simulate({ arrivals, servers, service, policy })).p99Ms;
  return {
    ours: p99(ours),
    eager: p99(eager(maxRows)),
    ideal: idealTail({ service, servers, maxRows }, arrivals).p99Ms,
  };
}

for (const [name, table] of Object.entries(TABLES)) {
  for (const servers of [1, 2]) {
    test(`${name}, ${servers} workers: the tail is near the best of all rules up to 70 % load`, () => {
      for (const load of [0.3, 0.5, 0.7]) {
        const { ours, ideal } = play(table, servers, load);
        assert.ok(ours <= ideal * 1.3, `${load}: ${ours.toFixed(1)} ms against ${ideal.toFixed(1)}`);
      }
    });
  }
}

test('it is never much worse than sending all that waits, and where batches cost, far better', () => {
  for (const [name, table] of Object.entries(TABLES)) {
    for (const load of [0.3, 0.5, 0.7, 0.8]) {
      const { ours, eager } = play(table, 2, load);
      assert.ok(ours <= eager * 1.1, `${name} ${load}: ${ours.toFixed(1)} ms against ${eager.toFixed(1)}`);
    }
  }
  const { ours, eager: all } = play(TABLES['recogniser'] ?? {}, 2, 0.7);
  assert.ok(ours < all / 2, `${ours.toFixed(1)} ms against ${all.toFixed(1)}`);
});
