import assert from 'node:assert/strict';
import test from 'node:test';
import { loadPlot } from '../../bench/scoreboard/load-plot.ts';

test('each series is one line, in order of the load, through the medians of its runs', () => {
  const at = (series: string, offeredPerSecond: number, answeredPerSecond: number) => ({
    series,
    offeredPerSecond,
    answeredPerSecond,
    p99Ms: 5,
  });
  const svg = loadPlot(
    [at('b', 200, 100), at('b', 100, 0), at('b', 100, 50), at('b', 100, 100), at('a', 100, 10)],
    'x',
  );
  const lines = [...svg.matchAll(/class="line c\d" d="(M[^h"]*)"/g)].map(
    ([, line]) => line?.match(/[ML]/g)?.length,
  );
  assert.deepEqual(lines, [2, 1, 2, 1]);
});
