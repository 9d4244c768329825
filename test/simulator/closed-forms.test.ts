/** The simulator against queues whose answers are known exactly. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { poisson } from '../../bench/simulator/arrivals.ts';
import type { Latency } from '../../bench/simulator/latency-table.ts';
import { outcomeOf } from '../../bench/simulator/outcome.ts';
import { eager } from '../../bench/simulator/policies.ts';
import { type Simulated, simulate } from '../../bench/simulator/queue.ts';
import { uniform } from '../support/random.ts';

const REQUESTS = 400_000;

function exponential(meanMs: number): Latency {
  const random = uniform(77);
  return () => -meanMs * Math.log(1 - random());
}

const constant =
  (ms: number): Latency =>
  () =>
    ms;

function play(perMs: number, service: Latency, { servers = 1, maxRows = 1 } = {}): Simulated {
  return simulate({ arrivals: poisson(perMs, REQUESTS, 11), servers, service, policy: eager(maxRows) });
}

const meanOf = (simulated: Simulated): number => outcomeOf(simulated).meanMs;

function closeTo(actual: number, expected: number, share: number): void {
  const error = actual / expected - 1;
  assert.ok(Math.abs(error) <= share, `${actual} is ${(error * 100).toFixed(2)} % off ${expected}`);
}

/** Mean time in an M/D/1 queue, minus the service. */
const constantServiceWait = (rho: number, ms: number): number => (rho * ms) / (2 * (1 - rho));

/** Probability of waiting in M/M/c with `offered` Erlang. */
function erlangC(servers: number, offered: number): number {
  let term = 1;
  let sum = 0;
  for (let k = 0; k < servers; k++) {
    sum += term;
    term *= offered / (k + 1);
  }
  const last = (term * servers) / (servers - offered);
  return last / (sum + last);
}

describe('a queue without batches', () => {
  for (const rho of [0.5, 0.8]) {
    it(`waits as long as M/M/1 does at ${rho}`, () => {
      const ms = meanOf(play(rho, exponential(1)));
      closeTo(ms, 1 / (1 - rho), 0.03);
    });

    it(`has the tail of M/M/1 at ${rho}`, () => {
      closeTo(outcomeOf(play(rho, exponential(1))).p99Ms, Math.log(100) / (1 - rho), 0.04);
    });

    it(`waits as long as M/D/1 does at ${rho}`, () => {
      closeTo(meanOf(play(rho, constant(1))) - 1, constantServiceWait(rho, 1), 0.03);
    });

    for (const servers of [2, 4]) {
      it(`lets as many wait as M/M/${servers} does at ${rho}, and as long`, () => {
        const service = exponential(1);
        const took: number[] = [];
        const measured: Latency = rows => took[took.push(service(rows)) - 1] as number;
        const simulated = play(rho * servers, measured, { servers });
        // One request a batch, sent in the order of arrival: the i-th service is the i-th request's.
        const waits = simulated.latenciesMs.map((ms, i) => ms - (took[i] as number));
        const waited = waits.filter(ms => ms > 1e-9).length / REQUESTS;
        const probability = erlangC(servers, rho * servers);
        closeTo(waited, probability, 0.02);
        closeTo(waits.reduce((sum, ms) => sum + ms, 0) / REQUESTS, probability / (servers * (1 - rho)), 0.04);
      });
    }
  }
});

describe('a queue with batches', () => {
  for (const perMs of [0.2, 1, 5]) {
    it(`waits as M/D^[1,∞]/1 does with ${perMs} arrivals a run`, () => {
      // Who arrives during a run waits half of it on average; a run in which nobody came is followed by a batch of one.
      const expected = (perMs / (perMs + Math.exp(-perMs))) * 0.5;
      const simulated = play(perMs, constant(1), { maxRows: Number.POSITIVE_INFINITY });
      closeTo(meanOf(simulated) - 1, expected, 0.01);
      closeTo(outcomeOf(simulated).meanBatch, perMs + Math.exp(-perMs), 0.01);
    });
  }

  it('never does more than its largest batch in the time of one', () => {
    const service: Latency = rows => 1 + 0.1 * rows;
    const { spanMs, utilisation, batches } = play(1000, service, { maxRows: 8, servers: 2 });
    closeTo(REQUESTS / spanMs, (2 * 8) / service(8), 0.001);
    closeTo(utilisation, 1, 0.001);
    assert.equal(Math.max(...batches.slice(0, 1000)), 8);
  });
});

describe('the check itself', () => {
  it('notices a service that takes 2 % longer than the queue it is compared with', () => {
    const slow = meanOf(play(0.8, constant(1.02))) - 1.02;
    assert.throws(() => closeTo(slow, constantServiceWait(0.8, 1), 0.03), /% off/);
  });
});
