/** Scenarios as tests: their short forms, in which every promise holds that does not say how fast. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { scenariosNamed } from './scenarios.ts';

const SEED = 7;

export function testScenarios(names: readonly string[]): void {
  for (const { name, faults, about, load } of scenariosNamed(names))
    test(`${faults}: ${about}`, { timeout: 120_000 }, async t => {
      const { run } = await load();
      const progress = (text: string): void => t.diagnostic(`${name}: ${text}`);
      const { rows, details } = await run({ short: true, seed: SEED, progress });
      assert.ok(rows.length > 0);
      const missed = rows.filter(({ kept, timed }) => !kept && timed !== true);
      assert.deepEqual(missed, [], JSON.stringify(details));
    });
}
