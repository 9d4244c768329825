import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { contentKeyOf, contentKeysInStretches, isQuick, scopeOf } from '../../src/cache/content-key.ts';
import { fingerprintOf } from '../../src/cache/fingerprint.ts';
import { bytesOfUnit, copyOfUnit, sameUnit, unitsOf } from '../../src/cache/request-units.ts';
import type { Inference, ModelSignature } from '../../src/inference.ts';
import { DYNAMIC, ints, request, texts } from '../batch/requests.ts';

const SCOPE = { model: 'm', version: '1', contentSha256: ['c'], numericClass: ['cpu'] };
const scope = scopeOf(SCOPE);
const byRow = unitsOf(DYNAMIC, true);
const whole = unitsOf(DYNAMIC, false);
const TWO: ModelSignature = {
  inputs: ['a', 'b'].map(name => ({ name, datatype: 'BYTES', shape: [-1, -1] })),
  outputs: [],
};
const keyOf = (units: ReturnType<typeof byRow>, unit = 0) => contentKeyOf(scope, units, unit);

test('what differs in any part of the question has another key', () => {
  const questions: Inference[] = [
    request(ints([1, 2])),
    request(ints([2, 1])),
    request(ints([1, 2, 0])),
    request(ints([1, 2]), { outputs: [] }),
    request(ints([1, 2, 3, 4])),
    request(ints([1, 2, 3, 4], 2)),
  ];
  const keys = questions.map(question => keyOf(whole(question)));
  assert.equal(new Set(keys).size, questions.length);
});

test('what an answer does not depend on has no part in the key', () => {
  const [plain, urgent] = [{}, { priority: 3, deadline: 7 }].map(rest =>
    keyOf(byRow(request(ints([1, 2]), rest))),
  );
  assert.equal(plain, urgent);
});

test('every part of a scope makes another', () => {
  const others = [
    SCOPE,
    { ...SCOPE, model: 'n' },
    { ...SCOPE, version: '2' },
    { ...SCOPE, contentSha256: ['d'] },
    { ...SCOPE, contentSha256: ['c', 'external'] },
    { ...SCOPE, numericClass: ['cuda'] },
    { ...SCOPE, numericClass: ['cpu', 'cuda'] },
  ];
  assert.equal(new Set(others.map(one => scopeOf(one).toString('hex'))).size, others.length);
});

test('the same question to two scopes in turn has two keys, to one always the same', () => {
  const other = scopeOf({ ...SCOPE, version: '2' });
  const units = byRow(request(ints([1, 2])));
  const keys = [scope, other, scope, other].map(one => contentKeyOf(one, units, 0));
  assert.equal(new Set(keys).size, 2);
  assert.deepEqual(keys.slice(0, 2), keys.slice(2));
});

test('a copied row has its own fingerprint, not that of the first', () => {
  const units = byRow(request(ints([1, 2, 3, 4], 2)));
  const [first, second] = [0, 1].map(unit => fingerprintOf(units, unit));
  assert.notEqual(first, second);
  assert.equal(fingerprintOf(copyOfUnit(units, 1), 0), second);
});

test('bytes cannot move from one input to the next', () => {
  const split = unitsOf(TWO, true);
  const one = split(request([texts(['x', 'y'], 1, 'a'), texts(['z'], 1, 'b')]));
  const other = split(request([texts(['x'], 1, 'a'), texts(['y', 'z'], 1, 'b')]));
  assert.notEqual(keyOf(one), keyOf(other));
});

test('a row has the same key, and is the same unit, alone, among others and copied', () => {
  const row = fc.array(fc.integer(), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(row, { minLength: 2, maxLength: 6 }), rows => {
      const together = byRow(request(ints(rows.flat(), rows.length)));
      for (const [unit, values] of rows.entries()) {
        const alone = byRow(request(ints(values)));
        assert.equal(keyOf(alone), keyOf(together, unit));
        assert.equal(fingerprintOf(alone, 0), fingerprintOf(together, unit));
        assert.ok(sameUnit(alone, 0, copyOfUnit(together, unit), 0));
      }
    }),
  );
});

test('units are the same exactly when their keys are', () => {
  const small = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(small, small, (a, b) => {
      const [one, other] = [a, b].map(values => byRow(request(ints(values)))) as [
        ReturnType<typeof byRow>,
        ReturnType<typeof byRow>,
      ];
      assert.equal(sameUnit(one, 0, other, 0), keyOf(one) === keyOf(other));
    }),
  );
});

test('texts of different lengths are rows, too', () => {
  const split = unitsOf({ ...TWO, inputs: TWO.inputs.slice(0, 1) }, true);
  const together = split(request(texts(['short', 'a longer one', ''], 3, 'a')));
  assert.equal(together.count, 3);
  assert.equal(keyOf(together, 1), keyOf(split(request(texts(['a longer one'], 1, 'a')))));
});

test('a key is the same whether it was hashed at once, in pieces, or in stretches', async () => {
  for (const count of [10, 5_000, 100_000]) {
    const units = byRow(request(ints(new Array<number>(count).fill(3))));
    assert.ok(isQuick(units));
    assert.deepEqual(await contentKeysInStretches(scope, units, [0]), [keyOf(units)]);
  }
  const large = byRow(request(ints(new Array<number>(300_000).fill(3))));
  assert.ok(!isQuick(large));
});

test('large inputs are hashed in many turns of the event loop, one input after the other', async () => {
  const large = () => byRow(request(ints(new Array<number>(1_000_000).fill(3))));
  let [turns, isOver] = [0, false];
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all([1, 2].map(() => contentKeysInStretches(scope, large(), [0])));
  isOver = true;
  assert.ok(turns >= 2 * 7, `${turns} turns for 8 MB`);
});

test('texts of few tokens, padded, mostly have fingerprints of their own wherever the tokens differ', () => {
  for (let place = 0; place < 64; place++) {
    const prints = new Set<number>();
    for (let token = 1; token <= 100; token++) {
      const tokens = new Array<number>(64).fill(0);
      tokens[place] = token;
      prints.add(fingerprintOf(byRow(request(ints(tokens))), 0));
    }
    assert.ok(prints.size >= 99, `${prints.size} of 100 at ${place}`);
  }
});

test('fingerprints of inputs that differ in one element mostly differ where every element is read', () => {
  const prints = new Set<number>();
  for (let i = 0; i < 1000; i++) prints.add(fingerprintOf(byRow(request(ints([i, 0, 0]))), 0));
  assert.equal(prints.size, 1000);
});

test('a view of a unit is its own bytes', () => {
  const units = byRow(request(ints([1, 2, 3, 4], 2)));
  assert.deepEqual([...bytesOfUnit(units, 0, 1)], [...ints([3, 4]).data]);
});
