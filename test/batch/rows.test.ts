import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { BatchOutputs } from '../../src/batch/splitting.ts';
import { rowBoundsOf, viewOfRows } from '../../src/row-bounds.ts';
import type { Tensor } from '../../src/tensor.ts';
import { ints, texts } from './requests.ts';

test('rows are cut as views of the same memory', () => {
  const { data, shape, ...rest } = ints([1, 2, 3, 4, 5, 6], 3);
  const embedded = Buffer.concat([Buffer.from('before'), data, Buffer.from('after')]);
  const tensor: Tensor = { ...rest, shape, data: embedded.subarray(6, 6 + data.length) };
  const bounds = rowBoundsOf(tensor, 3);
  assert.ok(bounds !== undefined);
  const middle = viewOfRows(tensor.data, bounds, 1, 1);
  assert.deepEqual([...middle], [3, 0, 0, 0, 4, 0, 0, 0]);
  assert.equal(middle.buffer, embedded.buffer);
});

test('rows of texts are found by their framing', () => {
  const element = fc.string({ maxLength: 5 });
  const table = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 3 }))
    .chain(([rows, columns]) =>
      fc.array(fc.array(element, { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
    );
  fc.assert(
    fc.property(table, rows => {
      const tensor = texts(rows.flat(), rows.length);
      const bounds = rowBoundsOf(tensor, rows.length);
      assert.ok(bounds !== undefined);
      rows.forEach((row, i) => {
        assert.deepEqual([...viewOfRows(tensor.data, bounds, i, 1)], [...texts(row).data]);
      });
    }),
  );
});

test('bytes that are not what the shape says have no rows', () => {
  const numbers = ints([1, 2, 3, 4], 2);
  const words = texts(['a', 'bc'], 2);
  const broken: readonly Tensor[] = [
    { ...numbers, shape: [2, 3] },
    { ...numbers, data: numbers.data.subarray(1) },
    { ...words, data: words.data.subarray(0, -1) },
    { ...words, data: Buffer.concat([words.data, Buffer.from([0])]) },
    { ...words, data: words.data.subarray(0, 7) },
    { ...words, data: Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]) },
  ];
  for (const tensor of broken) assert.equal(rowBoundsOf(tensor, 2), undefined);
});

test('an output whose first dimension is not the rows of the batch is the model’s failure, by name', () => {
  const failing: readonly [Tensor, RegExp][] = [
    [ints([1, 2, 3], 3, 'y'), /output "y" has shape \[3,1\]: expected first dimension 2/],
    [{ ...ints([1], 1, 'y'), shape: [] }, /output "y" has shape \[\]/],
    [{ ...ints([1, 2], 2, 'y'), shape: [2, 5] }, /output "y": its bytes/],
    [ints([1, 2], 2, 'z'), /output "y" is missing/],
  ];
  for (const [tensor, message] of failing) {
    assert.throws(() => new BatchOutputs([tensor], ['y'], 2), { code: 'model-failed', message });
  }
});

test('outputs come in the order wanted, each caller’s with its own row count', () => {
  const outputs = new BatchOutputs([ints([1, 2, 3], 3, 'p'), texts(['a', 'bb', 'c'], 3, 'q')], ['p', 'q'], 3);
  const cut = outputs.cut(1, 2, ['q', 'p']);
  assert.deepEqual(
    cut.map(({ name, shape }) => [name, shape]),
    [
      ['q', [2, 1]],
      ['p', [2, 1]],
    ],
  );
  assert.deepEqual([...(cut[0] as Tensor).data], [...texts(['bb', 'c']).data]);
  assert.deepEqual(
    outputs.cut(0, 1, undefined).map(({ name, shape }) => [name, shape]),
    [
      ['p', [1, 1]],
      ['q', [1, 1]],
    ],
  );
});
