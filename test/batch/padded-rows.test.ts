import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { cutRows, shareOf } from '../../src/batch/cut-rows.ts';
import { fillerOf } from '../../src/batch/filler.ts';
import { elementsAdded, padRows } from '../../src/batch/pad-rows.ts';
import { type Datatype, ELEMENT_BYTES, elementCount, type Shape, type Tensor } from '../../src/tensor.ts';

const NUMBERS = (Object.keys(ELEMENT_BYTES) as Datatype[]).filter(datatype => datatype !== 'BYTES');

interface Case {
  readonly tensor: Tensor;
  readonly axis: number;
  readonly more: number;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    datatype: fc.constantFrom(...NUMBERS),
    shape: fc.array(fc.nat(5), { minLength: 2, maxLength: 5 }),
    axis: fc.nat(3),
    more: fc.nat(7),
  })
  .chain(({ datatype, shape, axis, more }) => {
    const bytes = elementCount(shape) * ELEMENT_BYTES[datatype];
    return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(data => ({
      tensor: { name: 'x', datatype, shape, data },
      axis: 1 + (axis % (shape.length - 1)),
      more,
    }));
  });

/** Element by element, by index: the byte of the source each byte comes from, or undefined for padding. */
function naive({ datatype, shape, data }: Tensor, target: Shape, filler: Uint8Array): number[] {
  const size = ELEMENT_BYTES[datatype];
  const bytes: number[] = [];
  for (let flat = 0; flat < elementCount(target); flat++) {
    let rest = flat;
    let source = 0;
    let stride = 1;
    let isInside = true;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      const index = rest % (target[axis] as number);
      rest = Math.floor(rest / (target[axis] as number));
      if (index >= (shape[axis] as number)) isInside = false;
      source += index * stride;
      stride *= shape[axis] as number;
    }
    for (let byte = 0; byte < size; byte++)
      bytes.push((isInside ? data[source * size + byte] : filler[byte]) as number);
  }
  return bytes;
}

test('padding lengthens any axis of any datatype as a loop over the elements would', () => {
  fc.assert(
    fc.property(cases, fc.constantFrom(0, 1), ({ tensor, axis, more }, value) => {
      const filler = fillerOf(tensor.datatype, value) as Uint8Array;
      const length = (tensor.shape[axis] as number) + more;
      const padded = padRows(tensor, axis, length, filler);
      assert.deepEqual([...padded], naive(tensor, tensor.shape.with(axis, length), filler));
      assert.equal(
        padded.length - tensor.data.length,
        elementsAdded(tensor, axis, length) * ELEMENT_BYTES[tensor.datatype],
      );
    }),
    { numRuns: 500 },
  );
});

test('cutting gives back what was padded', () => {
  fc.assert(
    fc.property(cases, ({ tensor, axis, more }) => {
      const own = tensor.shape[axis] as number;
      const filler = fillerOf(tensor.datatype, 1) as Uint8Array;
      const data = padRows(tensor, axis, own + more, filler);
      const back = cutRows({ ...tensor, shape: tensor.shape.with(axis, own + more), data }, axis, own);
      assert.deepEqual(back.shape, tensor.shape);
      assert.deepEqual([...back.data], [...tensor.data]);
    }),
    { numRuns: 500 },
  );
});

test('rows that need no padding, and outputs that need no cut, are not copied', () => {
  const tensor: Tensor = { name: 'x', datatype: 'INT8', shape: [2, 3], data: new Uint8Array(6) };
  assert.equal(padRows(tensor, 1, 3, Uint8Array.of(0)), tensor.data);
  assert.equal(cutRows(tensor, 1, 3), tensor);
});

test('the beginning of a single row is a view of it', () => {
  const tensor: Tensor = { name: 'y', datatype: 'FP32', shape: [1, 12, 6], data: new Uint8Array(288) };
  const cut = cutRows(tensor, 1, 5);
  assert.equal(cut.data.buffer, tensor.data.buffer);
  assert.deepEqual(cut.shape, [1, 5, 6]);
});

test('a caller is given the part of an output that its own length stands for', () => {
  const table: [length: number, own: number, padded: number, share: number][] = [
    [40, 320, 320, 40],
    [40, 160, 320, 20],
    [40, 161, 320, 21],
    [40, 1, 320, 1],
    [40, 0, 320, 0],
    [96, 48, 96, 48],
    [7, 3, 14, 2],
    [11, 44, 44, 11],
  ];
  for (const [length, own, padded, share] of table) assert.equal(shareOf(length, own, padded), share);
});

test('the filler is one element in the datatype', () => {
  const bytes = (datatype: Datatype, value: number) =>
    fillerOf(datatype, value) && [...(fillerOf(datatype, value) as Uint8Array)];
  assert.deepEqual(bytes('FP32', 1), [0, 0, 0x80, 0x3f]);
  assert.deepEqual(bytes('FP16', -2), [0, 0xc0]);
  assert.deepEqual(bytes('INT64', -1), [255, 255, 255, 255, 255, 255, 255, 255]);
  assert.deepEqual(bytes('UINT8', 255), [255]);
  assert.deepEqual(bytes('BOOL', 1), [1]);
});

test('there is no filler for a value that the datatype has not', () => {
  const impossible: [Datatype, number][] = [
    ['UINT8', 256],
    ['UINT8', -1],
    ['INT8', 128],
    ['INT64', 0.5],
    ['UINT64', -1],
    ['BOOL', 2],
    ['FP16', 1e6],
    ['FP32', Number.NaN],
    ['BYTES', 0],
  ];
  for (const [datatype, value] of impossible) assert.equal(fillerOf(datatype, value), undefined, datatype);
});
