import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Scatter } from '../../src/worker/scatter.ts';
import { align, inputCapacity, Slot } from '../../src/worker/slot.ts';

test('a body cut into any chunks lands in its places, and nowhere else', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 20 }),
      (tensors, cuts) => {
        let at = 0;
        const places = tensors.map(({ length }) => {
          const offset = at;
          at = align(at + length) + 64;
          return { offset, byteLength: length, shape: [length] };
        });
        const target = new Uint8Array(at);
        const body = Buffer.concat(tensors);
        const scatter = new Scatter(target, places);
        for (let from = 0, i = 0; from < body.length; i++) {
          const to = from + 1 + (cuts[i % cuts.length] as number);
          scatter.write(body.subarray(from, to));
          from = to;
        }
        const expected = new Uint8Array(at);
        for (const [i, { offset }] of places.entries()) expected.set(tensors[i] as Uint8Array, offset);
        assert.deepEqual(target, expected);
      },
    ),
  );
});

test('what is written into a slot is read back: inputs, outputs, the outputs asked for', () => {
  const { view } = new Slot(3, 2, 2);
  const placed = { offset: 64, byteLength: 12, shape: [3, 0, 2 ** 31 - 1] };
  view.writeInput(1, placed);
  view.writeOutput(1, { ...placed, shape: [] });
  view.writeInput(0, { ...placed, offset: 0 });
  view.asked = [1, 0];
  view.finish('message', 1.25);
  assert.deepEqual(
    [
      view.readInput(1),
      view.readInput(0).offset,
      view.readOutput(1).shape,
      view.asked,
      view.place,
      view.inferMs,
    ],
    [placed, 0, [], [1, 0], 'message', 1.25],
  );
});

test('an input buffer grows when it must, is kept while it serves, and shrinks when it has long been too large', () => {
  const slot = new Slot(0, 1, 1);
  const small = slot.input(100);
  assert.equal(slot.input(small.length), small);
  assert.equal(slot.generation, 1);
  const large = slot.input(64 * 2 ** 20);
  assert.ok(large.length >= 64 * 2 ** 20 && large.length < 80 * 2 ** 20);
  for (let i = 0; i < 64; i++) assert.equal(slot.input(1000), large);
  assert.equal(slot.input(1000).length, inputCapacity(1000));
  assert.deepEqual([slot.generation, slot.view.inputGeneration], [3, 3]);
});
