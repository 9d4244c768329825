import assert from 'node:assert/strict';
import test from 'node:test';
import type { Measurement } from '../../src/commands/bench-measurement.ts';
import { benchReport } from '../../src/commands/bench-report.ts';
import { type BenchSummary, hasFailed, verdicts } from '../../src/commands/bench-verdicts.ts';
import { noOutcomes } from '../../src/load/outcome.ts';

const quantiles = (p99: number) => ({ mean: 2, p50: 2, p90: 3, p99, max: 9 });

function measured(more: Partial<Measurement> = {}): Measurement {
  return {
    load: { kind: 'open', offeredPerSecond: 100 },
    seconds: 10,
    requests: 1000,
    okPerSecond: 100,
    okMs: quantiles(4),
    refusedMs: quantiles(Number.NaN),
    outcomes: { ...noOutcomes(), ok: 1000 },
    warmup: undefined,
    firsts: {},
    timing: undefined,
    generator: { cores: 0.05, lateShare: 0, lateMaxMs: 0, waited: 0, connections: 4, isVoid: undefined },
    ...more,
  };
}

function summary(more: Partial<BenchSummary> = {}): BenchSummary {
  return {
    mode: { kind: 'rate', ratePerSecond: 100, isConstant: false },
    measurements: [measured()],
    rows: 1,
    sloMs: undefined,
    isChecked: true,
    wantedCheck: true,
    aloneMs: 1,
    found: undefined,
    cores: 2,
    ...more,
  };
}

const generator = measured().generator;
const closed = measured({ load: { kind: 'closed', connections: 8 } });
const sayings: [string, Partial<BenchSummary>, RegExp][] = [
  ['right answers', {}, /Every answer was the same/],
  [
    'wrong answers',
    {
      measurements: [
        measured({ outcomes: { ...noOutcomes(), ok: 990, wrong: 10 }, firsts: { wrong: 'output y' } }),
      ],
    },
    /10 answers were WRONG.*\(output y\)/,
  ],
  [
    'wrong answers of the warm-up',
    { measurements: [measured({ warmup: { ...noOutcomes(), wrong: 1 } })] },
    /1 answers were WRONG/,
  ],
  ['a model that varies by itself', { isChecked: false }, /differently even when it is alone/],
  [
    'a late generator',
    { measurements: [measured({ generator: { ...generator, lateShare: 0.2, isVoid: 'late' } })] },
    /In 1 of 1 runs.*late: up to 20\.0 %.*not to be trusted/,
  ],
  [
    'saturation',
    { mode: { kind: 'survey' }, measurements: [closed], rows: 4 },
    /about 100 requests\/s \(400 rows\/s\), with 8 connections/,
  ],
  ['an objective that is met', { sloMs: 5 }, /objective of 5\.00 ms is met: p99 is 4\.00 ms/],
  ['an objective that is missed', { sloMs: 3 }, /objective of 3\.00 ms is missed/],
  [
    'an objective missed for those who got no answer',
    {
      sloMs: 5,
      measurements: [measured({ okPerSecond: 50, outcomes: { ...noOutcomes(), ok: 500, 429: 500 } })],
    },
    /is missed: p99 is 4\.00 ms, and not all were answered/,
  ],
  ['a found rate', { mode: { kind: 'find', sloMs: 50 }, found: 1234 }, /within 50\.0 ms is 1234 requests\/s/],
  [
    'no rate, and why',
    {
      mode: { kind: 'find', sloMs: 1 },
      found: 0,
      measurements: [measured({ load: { kind: 'closed', connections: 1 } })],
    },
    /No rate was found.*one request alone takes 2\.00 ms/,
  ],
  [
    "the server's own time",
    { measurements: [measured({ timing: { answers: 9, queueMs: 0.5, inferMs: 1, batchRows: 3.25 } })] },
    /waited 0\.50 ms and its model ran 1\.00 ms on average, in batches of 3\.3 rows; the other 0\.50 ms/,
  ],
  [
    'refusals',
    {
      measurements: [
        measured({
          outcomes: { ...noOutcomes(), ok: 990, 429: 10 },
          refusedMs: quantiles(7),
          firsts: { '429': '429: full' },
        }),
      ],
    },
    /10 were refused with 429.*the first: 429: full[\s\S]*Refusals took 7\.00 ms/,
  ],
  [
    'what the generator took',
    { measurements: [measured({ generator: { ...generator, cores: 0.7 } })] },
    /0\.70 of this machine's 2 cores/,
  ],
  [
    'waiting for a connection',
    { measurements: [measured({ generator: { ...generator, waited: 5 } })] },
    /5 requests found all connections busy/,
  ],
];
for (const [what, more, expected] of sayings) {
  test(`says ${what}`, () => {
    assert.match(verdicts(summary(more)).join('\n'), expected);
    if (what !== 'right answers' && !/WRONG|varies/.test(what))
      assert.doesNotMatch(verdicts(summary()).join('\n'), expected);
  });
}

test('fails on wrong answers and when nothing was answered, and on nothing else', () => {
  const fails = (outcomes: Partial<Measurement['outcomes']>) =>
    hasFailed(summary({ measurements: [measured({ outcomes: { ...noOutcomes(), ...outcomes } })] }));
  assert.equal(fails({ ok: 1000 }), false);
  assert.equal(fails({ ok: 1, 503: 999 }), false);
  assert.equal(fails({ ok: 999, wrong: 1 }), true);
  assert.equal(fails({ 503: 1000 }), true);
});

test('a report shows only columns that say something, no line is wider than a terminal, and marks void runs', () => {
  const late = measured({ generator: { ...generator, lateShare: 0.02, isVoid: 'late' } });
  const report = benchReport(
    summary({ measurements: [late, measured({ load: { kind: 'open', offeredPerSecond: 50 } })] }),
  );
  const [heading = '', names = '', first = '', second = ''] = report.split('\n');
  assert.match(heading, /^Open loop: Poisson/);
  assert.match(names, /^ +offered\/s +answered\/s +p50 +p90 +p99 +max +late$/);
  assert.match(first, /^ +50\.0 /, 'by offered load');
  assert.match(second, /2\.0 % ‡$/);
  assert.ok(report.split('\n').every(line => line.length <= 100));
});
