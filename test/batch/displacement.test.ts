/** Who gives way for somebody more urgent when a queue is full. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Displaceable, thoseWhoGiveWay } from '../../src/batch/displacement.ts';
import { GatewayError } from '../../src/errors.ts';
import { Pressure } from '../../src/pressure.ts';
import { bench, DYNAMIC, ints, request, tagged, turn, valuesOf } from './requests.ts';

interface One extends Displaceable<One> {
  readonly name: string;
}

type Line = readonly (readonly [name: string, priority: number, at: number, rows?: number])[];

/** The last of a list in this order. */
function lastOf(line: Line): One | undefined {
  let previous: One | undefined;
  for (const [name, priority, submittedAt, rows = 1] of line)
    previous = { name, priority, submittedAt, rows, bytes: rows * 10, previous };
  return previous;
}

const LINE: Line = [
  ['a', 1, 3],
  ['b', 2, 1],
  ['c', 3, 2],
  ['d', 3, 4, 5],
];
const CASES: readonly (readonly [
  name: string,
  lines: readonly Line[],
  priority: number,
  missing: { readonly rows: number; readonly bytes: number },
  leaving: readonly string[] | undefined,
])[] = [
  ['the newest of the least urgent', [LINE], 1, { rows: 1, bytes: 0 }, ['d']],
  ['as many as are needed', [LINE], 1, { rows: 6, bytes: 0 }, ['d', 'c']],
  ['bytes count as rows do', [LINE], 1, { rows: 0, bytes: 61 }, ['d', 'c', 'b']],
  ['nobody as urgent', [LINE], 3, { rows: 1, bytes: 0 }, undefined],
  ['nobody where all who may would not be enough', [LINE], 1, { rows: 8, bytes: 0 }, undefined],
  [
    'of several lists',
    [
      LINE,
      [
        ['e', 2, 0],
        ['f', 4, 9],
      ],
    ],
    1,
    { rows: 7, bytes: 0 },
    ['f', 'd', 'c'],
  ],
  ['nobody of none', [[], []], 1, { rows: 1, bytes: 0 }, undefined],
];

for (const [name, lines, priority, missing, leaving] of CASES) {
  test(`gives way: ${name}`, () => {
    assert.deepEqual(
      thoseWhoGiveWay(lines.map(lastOf), priority, missing)?.map(one => one.name),
      leaving,
    );
  });
}

test('nobody gives way for one that is no more urgent, and never more of them than are needed', () => {
  const entry = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(50), fc.integer({ min: 1, max: 6 }));
  const lines = fc.array(fc.array(entry, { maxLength: 8 }), { maxLength: 4 });
  fc.assert(
    fc.property(
      lines,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 20 }),
      (all, priority, rows) => {
        const tails = all.map(one =>
          lastOf(one.toSorted(([a, x], [b, y]) => a - b || x - y).map(([p, at, n], i) => [`${i}`, p, at, n])),
        );
        const leaving = thoseWhoGiveWay(tails, priority, { rows, bytes: 0 });
        const may = all.flat().reduce((sum, [p, , n]) => (p > priority ? sum + n : sum), 0);
        assert.equal(leaving === undefined, may < rows);
        if (leaving === undefined) return;
        assert.ok(leaving.every(one => one.priority > priority));
        const freed = leaving.reduce((sum, one) => sum + one.rows, 0);
        assert.ok(freed >= rows && freed - (leaving.at(-1)?.rows ?? 0) < rows);
      },
    ),
  );
});

test('a full queue takes a more urgent request, and the newest of the least urgent leaves with a time to try again', async () => {
  const { batcher, executor } = bench({ maxQueueRows: 3, priorityLevels: 3 }, 0);
  const low = [1, 2, 3].map(tag => batcher.submit(request(tagged(tag), { priority: 3 })).result);
  const urgent = batcher.submit(request(tagged(9), { priority: 1 })).result;
  await assert.rejects(low[2] ?? urgent, (error: GatewayError) => {
    assert.equal(error.code, 'overloaded');
    assert.match(error.message, /gave way to a more urgent one/);
    return (error.retryAfterMs ?? 0) > 0;
  });
  assert.equal(batcher.queuedRows, 3);
  executor.addSlot();
  await executor.reached(1);
  executor.started[0]?.succeed();
  assert.deepEqual(valuesOf(await urgent), [9, 9]);
  assert.deepEqual(
    (await Promise.all(low.slice(0, 2))).map(answer => valuesOf(answer)[0]),
    [1, 2],
  );
});

test('a full queue refuses one that is no more urgent than those who wait, and nobody leaves', async () => {
  const { batcher } = bench({ maxQueueRows: 2, priorityLevels: 2 }, 0);
  for (const tag of [1, 2]) batcher.submit(request(tagged(tag), { priority: 2 }));
  await assert.rejects(
    batcher.submit(request(tagged(3), { priority: 2 })).result,
    /the queue is full \(limit 2 rows\)/,
  );
  await assert.rejects(batcher.submit(request(tagged(3, 3), { priority: 1 })).result, { code: 'too-large' });
  assert.equal(batcher.queuedRows, 2);
});

test('those who give way may wait with other shapes, and one whose shape is alone leaves no queue behind', async () => {
  const { batcher, executor } = bench({ signature: DYNAMIC, maxQueueRows: 2, priorityLevels: 2 }, 0);
  const wide = batcher.submit(request(ints([1, 2, 3]), { priority: 2 })).result;
  const alike = batcher.submit(request(tagged(1), { priority: 2 })).result;
  const urgent = [5, 6].map(tag => batcher.submit(request(tagged(tag), { priority: 1 })).result);
  for (const gone of [wide, alike]) await assert.rejects(gone, { code: 'overloaded' });
  executor.addSlot();
  await executor.reached(1);
  executor.started[0]?.succeed();
  assert.deepEqual(
    (await Promise.all(urgent)).map(answer => valuesOf(answer)[0]),
    [5, 6],
  );
  await turn();
  assert.equal(executor.outstanding, 0);
});

test('one that was hurried gives way no more', async () => {
  const { batcher } = bench({ maxQueueRows: 2, priorityLevels: 2 }, 0);
  const hurried = batcher.submit(request(tagged(1), { priority: 2 }));
  const other = batcher.submit(request(tagged(2), { priority: 2 })).result;
  hurried.reschedule({
    deadline: Number.POSITIVE_INFINITY,
    keepUntil: Number.POSITIVE_INFINITY,
    priority: 1,
  });
  batcher.submit(request(tagged(3), { priority: 1 }));
  await assert.rejects(other, { code: 'overloaded' });
  await assert.rejects(batcher.submit(request(tagged(4), { priority: 1 })).result, /the queue is full/);
  hurried.cancel(new GatewayError('cancelled', 'gone'));
  await assert.rejects(hurried.result, { code: 'cancelled' });
});

test('under pressure only requests that asked for more than the last level are taken, where there are levels', async () => {
  const pressure = Object.assign(new Pressure(), { taken: 3 });
  const levelled = bench({ priorityLevels: 2, pressure }).batcher;
  await assert.rejects(levelled.submit(request(tagged(1), { priority: 2 })).result, {
    code: 'overloaded',
    message: /only more urgent requests are taken/,
  });
  const taken = [levelled, bench({ pressure }).batcher].map(one =>
    one.submit(request(tagged(1), { priority: 1 })),
  );
  assert.deepEqual([levelled.queuedRows, taken.length], [1, 2]);
  pressure.taken = 2;
  levelled.submit(request(tagged(1), { priority: 2 }));
  assert.equal(levelled.queuedRows, 2);
});
