import assert from 'node:assert/strict';
import test from 'node:test';
import { dateNow } from '../../src/http/date-now.ts';

test('the Date header follows the clock, also when it is put back', t => {
  const noon = Date.UTC(2026, 0, 1, 12);
  for (const nowMs of [noon, noon + 999, noon + 1000, noon - 3_600_000, noon]) {
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ['Date'], now: nowMs });
    assert.equal(dateNow(), new Date(nowMs).toUTCString());
  }
});
