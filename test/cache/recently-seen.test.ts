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
  let others = 100;
  /** It reads the clock for one of 16. */
  const goTo = (time: number) => {
    now = time;
    for (let i = 0; i < 16; i++) assert.equal(recently.saw(unit(others++)), false);
  };
  goTo(1);
  assert.equal(recently.saw(unit(1)), false);
  goTo(21);
  assert.equal(recently.saw(unit(1)), true);
  goTo(42);
  assert.equal(recently.saw(unit(1)), false);
  assert.equal(recently.saw(unit(2)), false);
});
