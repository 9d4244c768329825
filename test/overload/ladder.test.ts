import assert from 'node:assert/strict';
import test from 'node:test';
import { stepsAfter } from '../../src/overload/ladder.ts';
import { Pressure, STEPS } from '../../src/pressure.ts';

const CALM = { memoryShare: 0.3, loopDelayMs: 1 };
const CASES: readonly (readonly [
  name: string,
  taken: number,
  strain: { readonly memoryShare?: number; readonly loopDelayMs?: number },
  after: number,
])[] = [
  ['nothing is given up while all is well', 0, {}, 0],
  ['short of memory, one step', 0, { memoryShare: 0.85 }, 1],
  ['and only one, however short', 0, { memoryShare: 0.99 }, 1],
  ['short of time, one step', 0, { loopDelayMs: 25 }, 1],
  ['the next when that was not enough', 1, { memoryShare: 0.88 }, 2],
  ['the last', 3, { loopDelayMs: 200 }, 4],
  ['after the last there is none', 4, { memoryShare: 1, loopDelayMs: 1000 }, 4],
  ['a step stays while there is hardly more room than when it was taken', 1, { memoryShare: 0.83 }, 1],
  ['and is taken back when there is', 1, { memoryShare: 0.81 }, 0],
  ['one at a time', 4, {}, 3],
  ['not while the other is still short', 1, { memoryShare: 0.1, loopDelayMs: 20 }, 1],
  ['a loop half as late ends a step', 2, { loopDelayMs: 24 }, 1],
];

for (const [name, taken, strain, after] of CASES) {
  test(`pressure: ${name}`, () => assert.equal(stepsAfter(taken, { ...CALM, ...strain }), after));
}

test('steps are taken in one order, and each keeps those before it', () => {
  const pressure = new Pressure();
  const off = () => STEPS.filter(step => pressure.isOff(step));
  assert.deepEqual(off(), []);
  pressure.taken = 2;
  assert.deepEqual(off(), ['hedging', 'cache-writes']);
  pressure.taken = STEPS.length;
  assert.deepEqual(off(), ['hedging', 'cache-writes', 'low-priority', 'connections']);
});
