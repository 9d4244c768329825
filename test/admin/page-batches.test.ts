/** What the page's script makes of what was learned: its pure functions, run here as a browser would run them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { batches } from '../../src/admin/page-batches.ts';
import { drawing } from '../../src/admin/page-drawing.ts';
import { elements } from '../../src/admin/page-elements.ts';
import { latencyChart } from '../../src/admin/page-latency-chart.ts';
import { tables } from '../../src/admin/page-tables.ts';

const context = createContext({});
runInContext([elements, drawing, tables, latencyChart, batches].join(''), context);

/** What a function of the script returns, as plain JSON. */
function call(name: string, ...args: readonly unknown[]): unknown {
  const text: unknown = runInContext(`JSON.stringify(${name}(...${JSON.stringify(args)}))`, context);
  return typeof text === 'string' ? JSON.parse(text) : undefined;
}

const row = (model: string, arrivalsPerSecond: number, signature = '') => ({
  model,
  version: '1',
  kind: 'cpu',
  signature,
  arrivalsPerSecond,
});
const shown = (rows: readonly unknown[]): string[] =>
  (call('busiest', rows) as ReturnType<typeof row>[]).map(({ model, signature }) => model + signature);

test('the busiest versions come first, and of each its busiest shapes', () => {
  const rows = [row('idle', 0), row('busy', 5, ',8;'), row('busy', 90, ',4;'), row('some', 20)];
  assert.deepEqual(shown(rows), ['busy,4;', 'busy,8;', 'some', 'idle']);
});

test('versions about as busy as each other keep their places', () => {
  assert.deepEqual(shown([row('b', 101), row('a', 99)]), ['a', 'b']);
  assert.deepEqual(shown([row('b', 99), row('a', 101)]), ['a', 'b']);
});

test('of many versions one shape each is shown, of few several, and never too many', () => {
  const shapes = (model: string) => [1, 2, 3, 4, 5].map(size => row(model, size, `,${size};`));
  assert.equal(shown(shapes('a')).length, 3);
  const many = shown(Array.from({ length: 50 }, (_, i) => shapes(`m${i}`)).flat());
  assert.equal(many.length, 12);
  assert.equal(new Set(many.map(name => name.split(',')[0])).size, 12);
});

for (const [signature, text] of [
  [',3,48,320;', '3×48×320'],
  [',3,48,*;#320,', '3×48×* up to 320'],
  ['#320,', 'up to 320'],
  [',16;,16;|0,2,', '16 + 16 outputs 0, 2'],
  [',*;,*;=00#128,128,', '* + * up to 128, 128'],
  ['"a|b#c",3;', '"a|b#c",3;'],
] as const) {
  test(`the shape ${signature} reads ${text}`, () => assert.equal(call('shapeText', signature), text));
}

test('a size between two known ones lies on their line; beyond them nothing is known', () => {
  const sizes = [
    { rows: 2, runMs: 4, leastOverheadMs: 1 },
    { rows: 4, runMs: 8, leastOverheadMs: 3 },
  ];
  assert.deepEqual(call('sizeAt', sizes, 3), { rows: 3, runMs: 6, leastOverheadMs: 2 });
  assert.deepEqual(call('sizeAt', sizes, 4), sizes[1]);
  assert.equal(call('sizeAt', sizes, 1), undefined);
  assert.equal(call('sizeAt', sizes, 5), undefined);
  assert.equal(call('sizeAt', [], 1), undefined);
});

test('a version whose batches close by its options says so', () => {
  const model = (settings: Readonly<Record<string, unknown>>, maxBatchSize = 8) => ({
    maxBatchSize,
    settings: Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`batching.${name}`, { value, origin: '' }]),
    ),
  });
  assert.equal(call('fixedReason', model({ maxQueueDelayMs: 'auto', preferredBatchSizes: [] })), '');
  assert.match(String(call('fixedReason', model({ maxQueueDelayMs: 0 }))), /maxQueueDelayMs/);
  assert.match(String(call('fixedReason', model({ preferredBatchSizes: [4] }))), /preferredBatchSizes/);
  assert.match(String(call('fixedReason', model({}, 0))), /one at a time/);
  assert.equal(call('fixedReason', undefined), '', 'not in the table of models: nothing is known');
});
