import assert from 'node:assert/strict';
import test from 'node:test';
import { RecentlySeen } from '../../src/cache/recently-seen.ts';
import { unitsOf } from '../../src/cache/request-units.ts';
import { DYNAMIC, ints, request } from '../batch/requests.ts';

const split = unitsOf(DYNAMIC, false);
const unit = (content: number) => split(request(ints([content, 7])));

test('a repeat counts as long as what it repeats may be under way', () => {
  let now = 0;
  const recently = new RecentlySeen(() => now);
  recently.took(10);
  assert.equal(recently.saw(unit(1)), false);
  now = 20;
  assert.equal(recently.saw(unit(1)), true);
  now = 41;
  assert.equal(recently.saw(unit(1)), false);
  assert.equal(recently.saw(unit(2)), false);
});
