/** S7's figures are made of what was counted: each planted fault is missed by its own row. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { noOutcomes } from '../../src/load/outcome.ts';
import { figuresOf } from './overload.ts';

const GENERATOR = {
  ...{ waited: 0, connections: 1, cpuSeconds: 0 },
} as unknown as Parameters<typeof figuresOf>[0]['usual']['generator'];

/** 100 a second can be done: `good` of `requests` are answered in 10 ms, others refused in `refusalMs`. */
const offered = (
  good: number,
  requests: number,
  { seconds = 10, refusalMs = 1, okMs = 10, lost = 0 } = {},
) => ({
  okMs: new Float64Array(good).fill(okMs),
  refusedMs: new Float64Array(requests - good - lost).fill(refusalMs),
  ...{ requests, seconds, firsts: {}, generator: GENERATOR },
  outcomes: { ...noOutcomes(), ok: good, '503': requests - good - lost, lost },
});
const PEAKS = { before: 100, after: 100 };
const GOOD = { usual: offered(700, 2700), urgent: offered(300, 300), growth: 1.1 };

const missed = (change: Partial<typeof GOOD>, peaks = PEAKS): string[] =>
  figuresOf({ ...GOOD, ...change }, peaks, 'at 3 ×', 0.95).flatMap(({ figure, kept }) =>
    kept ? [] : [figure],
  );

test('what is done under overload as without is kept', () => {
  assert.deepEqual(missed({}), []);
});

test('control: each thing that overload must not do is missed by its own row', () => {
  const goodput = 'S7 goodput at 3 ×';
  const rows: [string[], string[]][] = [
    [missed({ usual: offered(600, 2700) }), [goodput]],
    // What was in the queue at the end took its time too.
    [missed({ usual: offered(700, 2700, { seconds: 11 }) }), [goodput]],
    [missed({ usual: offered(700, 2700, { okMs: 501 }) }), [goodput]],
    [missed({}, { before: 105, after: 95 }), ['S7 peak after ÷ before at 3 ×']],
    [missed({ usual: offered(700, 2700, { refusalMs: 11 }) }), ['S7 refused within, p99 at 3 ×']],
    [missed({ urgent: offered(296, 300) }), ['S7 urgent ones answered at 3 ×']],
    [missed({ growth: 1.4 }), ['S7 memory at 3 ×']],
    [missed({ usual: offered(700, 2700, { lost: 1 }) }), ['S7 lost, wrong or failed at 3 ×']],
  ];
  for (const [found, expected] of rows) assert.deepEqual(found, expected);
});
