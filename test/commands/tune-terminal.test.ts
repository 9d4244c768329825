/** What `headgate tune` writes to a terminal. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../src/commands/command.ts';
import { durationMs, positiveNumber } from '../../src/commands/duration.ts';
import { lineDiff } from '../../src/commands/line-diff.ts';
import { scatterPlot } from '../../src/commands/scatter-plot.ts';
import { Meter } from '../../src/commands/tune-progress.ts';

test('a diff shows what changed and the lines beside it', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\n';
  assert.equal(lineDiff(before, 'a\nb\nc\nd\nE\nf\ng\nh\n'), '  c\n  d\n- e\n+ E\n  f\n  g\n+ h\n');
  assert.equal(lineDiff('', 'x\n'), '+ x\n');
  assert.equal(lineDiff('x\n', ''), '- x\n');
  assert.equal(lineDiff(before, before), '');
});

test('points stand higher the more, and further right the longer', () => {
  const marks = [
    { x: 1, y: 10, mark: 'a' },
    { x: 10, y: 20, mark: 'b' },
    { x: 100, y: 5, mark: 'c' },
  ];
  const lines = scatterPlot(marks, 'rows/s', 'ms').split('\n');
  const at = ['a', 'b', 'c'].map(mark => {
    const row = lines.findIndex(line => line.includes('┤') && line.includes(mark));
    return { row, column: lines[row]?.indexOf(mark) ?? -1 };
  });
  const [a, b, c] = at as [(typeof at)[0], (typeof at)[0], (typeof at)[0]];
  assert.ok(b.row < a.row && a.row < c.row);
  assert.ok(a.column < b.column && b.column < c.column);
  assert.equal(scatterPlot([], 'rows/s', 'ms'), '');
  assert.match(scatterPlot([{ x: 5, y: 1, mark: '●' }], 'rows/s', 'ms'), /●/);
});

/** Everything a meter writes for these shares. */
function written(isTTY: boolean, shares: readonly number[]): string[] {
  const texts: string[] = [];
  const meter = new Meter({ isTTY, columns: 60, write: text => texts.push(text) > 0 });
  for (const share of shares) meter.show({ share, leftMs: 1000 * (1 - share), doing: 'batch 8' });
  meter.clear();
  return texts;
}

test('on a terminal one line is written over, no wider than it, and taken away', () => {
  const texts = written(true, [0, 0.5, 1]);
  assert.equal(texts.length, 4);
  assert.match(texts[1] ?? '', /\r.*█+░+ {2}50 % {2}batch 8, 1 s left$/);
  assert.ok(texts.every(text => text.replace('\r\u001b[K', '').length < 60 && !text.includes('\n')));
  assert.equal(texts.at(-1), '\r\u001b[K');
});

test('elsewhere it is a plain line now and then', () => {
  const texts = written(false, [0, 0.01, 0.05, 0.2, 0.25, 0.9]);
  assert.deepEqual(texts, [
    '  0 %  batch 8, 1 s left\n',
    ' 20 %  batch 8, 1 s left\n',
    ' 90 %  batch 8, 1 s left\n',
  ]);
});

test('times have units, and what is none is bad usage', () => {
  assert.deepEqual(
    ['60s', '2m', '500ms', '1.5'].map(text => durationMs('--budget', text)),
    [60_000, 120_000, 500, 1500],
  );
  for (const text of ['', 'soon', '0s', '-1s', '5h'])
    assert.throws(() => durationMs('--budget', text), UsageError);
  assert.equal(positiveNumber('--slo', '12.5'), 12.5);
  for (const text of ['', '0', 'x', '-3', 'Infinity'])
    assert.throws(() => positiveNumber('--slo', text), UsageError);
});
