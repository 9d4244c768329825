import assert from 'node:assert/strict';
import test from 'node:test';
import { defaultInstances } from '../../src/config/default-instances.ts';

test('few cores all get an instance, many cores fewer, for the memory’s sake', () => {
  const cores = [1, 2, 3, 4, 8, 16, 64];
  assert.deepEqual(cores.map(defaultInstances), [1, 2, 3, 4, 6, 8, 16]);
});
