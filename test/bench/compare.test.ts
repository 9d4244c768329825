import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { compareFigures } from '../../bench/scoreboard/compare-figures.ts';
import type { Figure } from '../../bench/scoreboard/row.ts';
import { figure } from './figures.ts';

const PAIRS = [0.97, 0.99, 1, 1.01, 1.02];
const least = { target: { bound: 'least', value: 1 } } as const;
const most = { target: { bound: 'most', value: 1 } } as const;
const times = (factor: number) => PAIRS.map(value => value * factor);

const cases: readonly (readonly [string, Figure | undefined, Figure | undefined, string])[] = [
  ['a drop of 20 % is worse', figure(PAIRS), figure(times(0.8)), 'worse'],
  ['so is one of a figure held to a least value', figure(PAIRS, least), figure(times(0.8), least), 'worse'],
  ['what must stay low gets better by dropping', figure(PAIRS, most), figure(times(0.8), most), 'better'],
  ['so do milliseconds', figure(PAIRS, { unit: 'ms' }), figure(times(0.8), { unit: 'ms' }), 'better'],
  ['a rise of 20 % is better', figure(PAIRS), figure(times(1.2)), 'better'],
  [
    'and a ratio of which less is better',
    figure(PAIRS, { lessIsBetter: true }),
    figure(times(0.8), { lessIsBetter: true }),
    'better',
  ],
  ['a change of 4 % is noise', figure(PAIRS), figure(times(0.96)), 'same'],
  ['even when the intervals are apart', figure([1, 1, 1]), figure([0.96, 0.96, 0.96]), 'same'],
  ['overlapping intervals decide nothing', figure([0.6, 0.8, 1, 1.2, 1.4]), figure(times(0.8)), 'unclear'],
  ['two measurements are too few to say', figure([1, 1.01]), figure([0.5, 0.51]), 'unclear'],
  ['a void figure compares with nothing', figure(PAIRS), figure(times(0.8), { isVoid: 'late' }), 'void'],
  ['a new figure is named', undefined, figure(PAIRS), 'only after'],
  ['so is one that is gone', figure(PAIRS), undefined, 'only before'],
];

for (const [name, before, after, verdict] of cases) {
  test(name, () => {
    const [comparison] = compareFigures(before ? [before] : [], after ? [after] : []);
    assert.equal(comparison?.verdict, verdict);
  });
}

test('figures meet by row and name, in the order of the later result', () => {
  const before = [figure(PAIRS, { name: 'a' }), figure(PAIRS, { name: 'b' })];
  const after = [figure(PAIRS, { name: 'b' }), figure(PAIRS, { name: 'c' })];
  const found = compareFigures(before, after).map(({ figure, verdict }) => `${figure}: ${verdict}`);
  assert.deepEqual(found, ['P0 b: same', 'P0 c: only after', 'P0 a: only before']);
});

test('the command names what dropped and ends with 1', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-compare-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, figures: readonly Figure[]) => {
    const file = path.join(folder, name);
    await writeFile(file, JSON.stringify({ machine: {}, result: { pairs: 5, scale: 1, figures } }));
    return file;
  };
  const before = await write('before.json', [figure(PAIRS, { name: 'a' }), figure(PAIRS, { name: 'b' })]);
  const after = await write('after.json', [figure(times(0.8), { name: 'a' }), figure(PAIRS, { name: 'b' })]);
  const run = (...files: string[]) =>
    spawnSync(process.execPath, ['bench/compare.ts', ...files], { encoding: 'utf8' });
  const worse = run(before, after);
  assert.match(worse.stdout, /^worse: P0 a \(−20 %\)$/m);
  assert.equal(worse.status, 1);
  assert.equal(run(before, before).status, 0);
  assert.equal(run(before).status, 2);
});
