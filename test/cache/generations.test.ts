import assert from 'node:assert/strict';
import test from 'node:test';
import { Generations } from '../../src/cache/generations.ts';

/** One table, and as many gateways as are asked for. */
function shared() {
  let table: Record<string, string> = {};
  const access = {
    read: async () => ({ ...table }),
    write: async (name: string, generation: string) => {
      table[name] = generation;
    },
    restore: async (name: string, generation: string) => {
      table[name] ??= generation;
    },
  };
  const gateway = () => {
    const purged: string[] = [];
    const note = (model: string, version: string | undefined) => void purged.push(`${model} ${version}`);
    return { generations: new Generations(access, note), purged };
  };
  return { gateway, lose: () => (table = {}) };
}

test('a purge of one version, or of all, changes its keys and no others', async () => {
  const { generations } = shared().gateway();
  const keys = () => ['1', '2'].map(version => generations.of('m', version));
  const before = keys();
  await generations.renew('m', '1');
  const one = keys();
  assert.notEqual(one[0], before[0]);
  assert.equal(one[1], before[1]);
  await generations.renew('m', undefined);
  assert.notEqual(keys()[1], one[1]);
  assert.equal(generations.of('n', '1'), before[0]);
});

test('others learn of it when they read, and are told what was purged once', async () => {
  const { gateway } = shared();
  const [one, other] = [gateway(), gateway()];
  await other.generations.read();
  await one.generations.renew('m', '1');
  await other.generations.read();
  await other.generations.read();
  assert.deepEqual(other.purged, ['m 1']);
  assert.equal(other.generations.of('m', '1'), one.generations.of('m', '1'));
  assert.deepEqual(one.purged, []);
});

test('what a table has before it was read for the first time is no purge, and nothing is known until then', async () => {
  const { gateway } = shared();
  await gateway().generations.renew('m', undefined);
  const late = gateway();
  assert.equal(late.generations.areKnown, false);
  await late.generations.read();
  assert.deepEqual([late.generations.areKnown, late.purged], [true, []]);
});

test('a table that lost what it was told is told again: nothing that was purged comes back', async () => {
  const { gateway, lose } = shared();
  const [one, other] = [gateway(), gateway()];
  await one.generations.renew('m', '1');
  const purged = one.generations.of('m', '1');
  lose();
  await one.generations.read();
  await other.generations.read();
  assert.equal(one.generations.of('m', '1'), purged);
  assert.equal(other.generations.of('m', '1'), purged);
});
