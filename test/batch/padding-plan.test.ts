import assert from 'node:assert/strict';
import test from 'node:test';
import { type PaddingRules, paddingPlanOf } from '../../src/batch/padding-plan.ts';
import type { ModelSignature } from '../../src/inference.ts';

const SIGNATURE: ModelSignature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 3, 48, -1] },
    { name: 'n', datatype: 'UINT8', shape: [-1, -1] },
    { name: 'text', datatype: 'BYTES', shape: [-1, -1] },
  ],
  outputs: [
    { name: 'y', datatype: 'FP32', shape: [-1, -1, 6625] },
    { name: 'pooled', datatype: 'FP32', shape: [-1, 8] },
    { name: 'words', datatype: 'BYTES', shape: [-1, -1] },
  ],
};
const KEPT = { y: { axis: 1 }, words: {} };

const rules = (inputs: PaddingRules['inputs'], outputs: PaddingRules['outputs'] = KEPT): PaddingRules => ({
  inputs,
  outputs,
});
const along = (axis: number, value = 0) => ({ axis, value, multipleOf: 8 });
const plan = (of: PaddingRules, maxBatchSize = 8) => paddingPlanOf(of, SIGNATURE, maxBatchSize);

test('without padded inputs there is no plan', () => {
  assert.equal(plan(rules({}, {})), undefined);
});

test('inputs are in the order of the signature, outputs know whose length they follow', () => {
  const { inputs, outputs } = plan(
    rules({ n: along(1, 7), x: { ...along(3), maxTimes: 2 } }, { ...KEPT, y: { axis: 1, follows: 'n' } }),
  ) ?? {
    inputs: [],
  };
  assert.deepEqual(inputs, [
    { name: 'x', axis: 3, multipleOf: 8, maxTimes: 2, filler: new Uint8Array(4) },
    { name: 'n', axis: 1, multipleOf: 8, maxTimes: Number.POSITIVE_INFINITY, filler: Uint8Array.of(7) },
  ]);
  assert.deepEqual([...(outputs ?? [])], [['y', { axis: 1, follows: 1 }]]);
});

test('an output follows the first padded input, unless said otherwise', () => {
  assert.deepEqual(plan(rules({ x: along(3), n: along(1) }))?.outputs.get('y'), { axis: 1, follows: 0 });
});

const IMPOSSIBLE: readonly [PaddingRules, RegExp, number?][] = [
  [rules({ z: along(1) }), /^padding\.inputs\.z: unknown; the model has x, n, text$/],
  [
    rules({ x: along(2) }),
    /^padding\.inputs\.x\.axis: expected an axis of free size, found 2; those .* are 3$/,
  ],
  [rules({ x: along(4) }), /^padding\.inputs\.x\.axis: expected an axis of free size, found 4/],
  [
    rules({ text: along(1) }),
    /^padding\.inputs\.text: expected an input of numbers or booleans; this one is BYTES$/,
  ],
  [rules({ n: along(1, 300) }), /^padding\.inputs\.n\.value: expected a value of UINT8, found 300$/],
  [rules({ x: along(3) }, {}), /^padding\.outputs\.y: expected \{ axis: .*, or \{\}: its axis 1 is free$/],
  [
    rules({ x: along(3) }, { ...KEPT, q: {} }),
    /^padding\.outputs\.q: unknown; the model has y, pooled, words$/,
  ],
  [
    rules({ x: along(3) }, { ...KEPT, pooled: { axis: 1 } }),
    /^padding\.outputs\.pooled\.axis: .* has none after/,
  ],
  [rules({ x: along(3) }, { ...KEPT, words: { axis: 1 } }), /^padding\.outputs\.words: .*BYTES$/],
  [rules({ x: along(3) }, { ...KEPT, y: { axis: 1, follows: 'n' } }), /follows: expected one of x, found n$/],
  [rules({}, { y: { axis: 1 } }), /^padding\.outputs\.y: expected an input under padding\.inputs as well$/],
  [rules({ x: along(3) }), /^padding\.inputs: expected a model with a batch axis/, 0],
];

for (const [of, message, maxBatchSize] of IMPOSSIBLE) {
  test(`refused: ${message.source}`, () => {
    assert.throws(() => plan(of, maxBatchSize), { code: 'invalid', message });
  });
}
