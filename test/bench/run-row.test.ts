import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { runRow } from '../../bench/scoreboard/run-row.ts';
import { processTree } from '../../bench/support/process-tree.ts';

const MODULE = new URL('./planted-rows.ts', import.meta.url).href;

async function run(t: TestContext, id: string, limitSeconds = 60) {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-row-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const said: string[] = [];
  const order = { module: MODULE, id, pairs: 2, repeats: 0, scale: 1, folder };
  const result = await runRow(order, limitSeconds, text => void said.push(text));
  return { ...result, said };
}

test('a row whose answers are right gives a ratio for each pair, its points, and says what it does', async t => {
  const { figures, points, pairs, failed, said } = await run(t, 'right');
  assert.equal(failed, undefined);
  assert.equal(figures[0]?.all.length, 2);
  assert.ok(figures[0]?.all.every(ratio => ratio > 0));
  assert.equal(points.length, 1);
  assert.deepEqual(
    pairs.map(({ kept }) => kept),
    [[0, 1]],
  );
  assert.deepEqual(said.slice(0, 2), ['right pair 1/2 one', 'right pair 1/2 other']);
});

test('one wrong value in the answers fails the row', async t => {
  const { figures, failed } = await run(t, 'wrong');
  assert.deepEqual(figures, []);
  assert.match(failed ?? '', /bad answers/);
  assert.match(failed ?? '', /row 0 was answered 0,1,2,3,4,5,6,7,8,9/);
});

test('a row that takes too long is ended with the processes it started', async t => {
  const { failed, said } = await run(t, 'hanging', 10);
  assert.equal(failed, 'took longer than 10 s');
  assert.deepEqual(processTree(Number(said[0])), []);
});

test('a row that throws where nobody waits has failed, and its processes end', async t => {
  const { failed, said } = await run(t, 'throwing late');
  assert.match(failed ?? '', /nobody waits for me/);
  assert.deepEqual(processTree(Number(said[0])), []);
});

test('a row that is not there has failed', async t => {
  const { failed } = await run(t, 'absent');
  assert.match(failed ?? '', /there is no row absent/);
});
