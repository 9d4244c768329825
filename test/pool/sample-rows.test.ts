import assert from 'node:assert/strict';
import test from 'node:test';
import { differenceOf, splitRows } from '../../src/pool/compare-outputs.ts';
import { executionOf, sampleInput } from '../../src/pool/sample-rows.ts';
import { type Datatype, ELEMENT_BYTES } from '../../src/tensor.ts';

const DATATYPES = Object.keys(ELEMENT_BYTES) as Datatype[];

for (const datatype of DATATYPES) {
  test(`${datatype}: rows have the right number of bytes, differ, and are the same each time`, () => {
    const { rows } = sampleInput('x', datatype, [2, 3], 'random');
    const bytes = datatype === 'BYTES' ? 6 * 5 : 6 * ELEMENT_BYTES[datatype];
    assert.deepEqual(
      rows.map(row => row.byteLength),
      [bytes, bytes, bytes],
    );
    assert.notDeepEqual(rows[0], rows[1]);
    assert.deepEqual(rows, sampleInput('x', datatype, [2, 3], 'random').rows);
  });
}

test('integers are 0 or 1, floats are normal and finite', () => {
  const ints = new Int32Array(sampleInput('x', 'INT32', [500], 'random').rows[1]?.slice().buffer ?? []);
  assert.deepEqual([...new Set(ints)].sort(), [0, 1]);
  const floats = new Float32Array(sampleInput('x', 'FP32', [5000], 'random').rows[1]?.slice().buffer ?? []);
  const mean = floats.reduce((sum, value) => sum + value, 0) / floats.length;
  const spread = Math.sqrt(floats.reduce((sum, value) => sum + value * value, 0) / floats.length);
  assert.ok(Math.abs(mean) < 0.1 && Math.abs(spread - 1) < 0.1, `${mean} ± ${spread}`);
});

test('a constant fill is that constant in every datatype', () => {
  assert.deepEqual([...(sampleInput('x', 'INT64', [1], 5).rows[0] ?? [])], [5, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...(sampleInput('x', 'BYTES', [1], 5).rows[0] ?? [])], [1, 0, 0, 0, 53]);
});

test('rows are stacked in order along the batch axis, without one the input is as it is', () => {
  const inputs = [sampleInput('x', 'FP32', [2], 'random')];
  const batch = executionOf({ inputs, batched: true }, [1, 0, 2]);
  assert.deepEqual([batch.rows, batch.inputs[0]?.shape], [3, [3, 2]]);
  assert.equal(batch.inputs[0]?.parts[0], inputs[0]?.rows[1]);
  assert.deepEqual(executionOf({ inputs, batched: false }, [0]).inputs[0]?.shape, [2]);
});

test('splits BYTES rows by their elements', () => {
  const data = Buffer.from('\x01\0\0\0a\x03\0\0\0bcd\0\0\0\0\x01\0\0\0e', 'latin1');
  const rows = splitRows({ name: 'y', datatype: 'BYTES', shape: [2, 2], data }, 2);
  assert.deepEqual(
    rows?.map(row => row.byteLength),
    [12, 9],
  );
});

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

const comparisons: [string, Datatype, Uint8Array, Uint8Array, boolean][] = [
  ['the same', 'FP32', floats(1, 2), floats(1, 2), true],
  ['rounding', 'FP32', floats(1, 1e-7), floats(1.00001, 2e-7), true],
  ['another value', 'FP32', floats(1, 2), floats(1, 2.1), false],
  ['NaN where NaN was', 'FP32', floats(Number.NaN), floats(Number.NaN), true],
  ['NaN where a number was', 'FP32', floats(1), floats(Number.NaN), false],
  ['infinity where infinity was', 'FP32', floats(Infinity), floats(Infinity), true],
  ['the other infinity', 'FP32', floats(Infinity), floats(-Infinity), false],
  ['more elements', 'FP32', floats(1), floats(1, 1), false],
  ['another integer', 'INT8', Uint8Array.of(1), Uint8Array.of(2), false],
];

for (const [name, datatype, one, other, equal] of comparisons) {
  test(`compares: ${name}`, () => {
    assert.equal(differenceOf(datatype, one, other) === undefined, equal);
  });
}
