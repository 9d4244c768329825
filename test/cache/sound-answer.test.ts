import assert from 'node:assert/strict';
import test from 'node:test';
import { isSoundAnswer } from '../../src/cache/sound-answer.ts';
import type { ModelSignature } from '../../src/inference.ts';
import type { Tensor } from '../../src/tensor.ts';

const SIGNATURE: ModelSignature = {
  inputs: [],
  outputs: [
    { name: 'y', datatype: 'FP32', shape: [-1, 2] },
    { name: 's', datatype: 'BYTES', shape: [-1, 1] },
  ],
};
const Y: Tensor = { name: 'y', datatype: 'FP32', shape: [1, 2], data: new Uint8Array(8) };
const S: Tensor = { name: 's', datatype: 'BYTES', shape: [1, 1], data: Uint8Array.of(1, 0, 0, 0, 65) };

const cases: readonly [string, readonly Tensor[], readonly string[] | undefined, boolean][] = [
  ['all outputs', [Y, S], undefined, true],
  ['in another order', [S, Y], undefined, true],
  ['the one that was asked for', [Y], ['y'], true],
  ['one that was not asked for', [Y, S], ['y'], false],
  ['one missing', [Y], undefined, false],
  ['another name', [{ ...Y, name: 'z' }], ['y'], false],
  ['another datatype', [{ ...Y, datatype: 'INT32' }], ['y'], false],
  ['another shape', [{ ...Y, shape: [2, 1] }], ['y'], false],
  ['another rank', [{ ...Y, shape: [2] }], ['y'], false],
  ['fewer bytes than its shape says', [{ ...Y, data: new Uint8Array(4) }], ['y'], false],
  ['a value that is not finite', [{ ...Y, data: Uint8Array.of(0, 0, 192, 127, 0, 0, 0, 0) }], ['y'], false],
  ['a text longer than its bytes', [{ ...S, data: Uint8Array.of(9, 0, 0, 0, 65) }], ['s'], false],
];
for (const [what, outputs, wanted, isSound] of cases) {
  test(`${what}: ${isSound ? 'sound' : 'not sound'}`, () => {
    assert.equal(isSoundAnswer(SIGNATURE, { outputs, storedAt: 5 }, wanted, 5), isSound);
  });
}

test('a result from the future is not sound, but clocks may differ by a minute', () => {
  assert.equal(isSoundAnswer(SIGNATURE, { outputs: [Y], storedAt: 60_000 }, ['y'], 0), true);
  assert.equal(isSoundAnswer(SIGNATURE, { outputs: [Y], storedAt: 60_001 }, ['y'], 0), false);
});
