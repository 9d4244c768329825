import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { linearAxis, logAxis, tickText } from '../../src/load/axis.ts';
import { plotSvg } from '../../src/load/plot-svg.ts';
import { plotTerminal } from '../../src/load/plot-terminal.ts';

const values = fc.array(fc.double({ min: 1e-3, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 20 });

for (const [name, axis] of [
  ['linear', linearAxis],
  ['log', logAxis],
] as const) {
  test(`a ${name} axis holds all values between its ends, in order, with ticks that are few and inside`, () => {
    fc.assert(
      fc.property(values, given => {
        const { place, ticks } = axis(given);
        for (const value of given)
          assert.ok(place(value) >= -1e-9 && place(value) <= 1 + 1e-9, String(value));
        assert.ok(ticks.length >= 2 && ticks.length <= 13, String(ticks));
        for (const [i, tick] of ticks.entries()) {
          assert.ok(place(tick) >= -1e-9 && place(tick) <= 1 + 1e-9);
          if (i > 0) assert.ok(tick > (ticks[i - 1] as number));
        }
      }),
    );
  });
}

test('ticks are round numbers', () => {
  assert.deepEqual(linearAxis([870]).ticks, [0, 200, 400, 600, 800, 1000]);
  assert.deepEqual(logAxis([3, 80]).ticks, [2, 5, 10, 20, 50, 100]);
  assert.deepEqual([0, 0.05, 1.5, 12_000].map(tickText), ['0', '0.05', '1.5', '12\u2009000']);
});

test('a plot holds its words safely, draws a line and a marker for each point, and leaves a gap for none', () => {
  const svg = plotSvg('a <b> & "c"', 'sub', [
    {
      title: 'p99',
      xLabel: 'offered',
      yLabel: 'ms',
      yScale: 'log',
      series: [
        {
          name: 'Headgate',
          points: [
            [1, 2],
            [2, Number.NaN],
            [3, 4],
            [4, 5],
          ],
        },
      ],
      limit: { y: 50, label: 'objective' },
    },
  ]);
  assert.match(svg, /<title>a &lt;b&gt; &amp; &quot;c&quot;<\/title>/);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  const line = /class="line c0" d="(M[^"]+)"/.exec(svg)?.[1] ?? '';
  assert.equal(line.match(/M/g)?.length, 2);
  assert.equal(line.match(/L/g)?.length, 1);
  assert.equal(svg.match(/class="mark c0"/g)?.length, 3 + 1);
  assert.match(svg, /prefers-color-scheme:dark/);
});

test('a plot of nothing is a plot', () => {
  assert.doesNotMatch(plotSvg('', '', [{ title: '', xLabel: '', yLabel: '', series: [] }]), /NaN|Infinity/);
});

test('a plot in characters sets each point where it belongs, and names its series', () => {
  const points = [
    [0, 1],
    [100, 100],
  ] as const;
  const chart = {
    title: '',
    xLabel: 'load',
    yLabel: 'ms',
    yScale: 'log',
    series: [{ name: 'p99', points }],
  } as const;
  const lines = plotTerminal(chart, 21, 5);
  assert.deepEqual(lines, [
    'ms',
    '100 ┤                    ●',
    ' 50 ┤',
    ' 10 ┤',
    '  5 ┤',
    '  1 ┤●',
    '    └┬───┬───┬───┬───┬───┬',
    '     0  20  40  60  80  100',
    '     load    ● p99',
  ]);
  assert.deepEqual(plotTerminal({ ...chart, series: [] }), []);
});
