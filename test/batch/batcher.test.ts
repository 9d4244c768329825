import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { BatchDone } from '../../src/events.ts';
import type { InferenceResult } from '../../src/inference.ts';
import type { Started } from './fake-executor.ts';
import { bench, DYNAMIC, FIXED, ints, request, tagged, texts, turn, valuesOf } from './requests.ts';

const started = (list: readonly Started[], index: number): Started => {
  const one = list[index];
  assert.ok(one !== undefined, `execution ${index} has started`);
  return one;
};
/** The rows of each execution so far. */
const sizes = (list: readonly Started[]): number[] => list.map(({ execution }) => execution.rows);
const tags = (one: Started): number[] => valuesOf({ outputs: [flat(one)] }).filter((_, i) => i % 2 === 0);
const flat = ({ execution }: Started) => {
  const [input] = execution.inputs;
  assert.ok(input !== undefined);
  return { ...input, data: Buffer.concat(input.parts) };
};
const GONE = new GatewayError('cancelled', 'gone');

test('a free worker takes the only request at once', async () => {
  const { batcher, executor } = bench();
  const { result } = batcher.submit(request(tagged(7)));
  await executor.reached(1);
  assert.equal(batcher.queuedRows, 0);
  started(executor.started, 0).succeed();
  assert.deepEqual(valuesOf(await result), [7, 7]);
  assert.deepEqual((await result).timing, { queueMs: 0, inferMs: 1, batchRows: 1 });
});

test('while the worker is busy a batch grows, and the largest available goes at once', async () => {
  const { batcher, executor } = bench();
  const results = [batcher.submit(request(tagged(0))).result];
  await executor.reached(1);
  for (let i = 1; i <= 10; i++) results.push(batcher.submit(request(tagged(i))).result);
  assert.equal(batcher.queuedRows, 10);
  for (let i = 0; i < 3; i++) {
    await executor.reached(i + 1);
    started(executor.started, i).succeed();
  }
  const answers = await Promise.all(results);
  assert.deepEqual(sizes(executor.started), [1, 8, 2]);
  assert.deepEqual(
    answers.map(answer => valuesOf(answer)[0]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(answers[1]?.timing.batchRows, 8);
});

test('rows count, not requests, and each caller gets its own', async () => {
  const { batcher, executor } = bench({}, 0);
  const results = [1, 3, 2].map((rows, i) => batcher.submit(request(tagged(i, rows))).result);
  executor.addSlot();
  await executor.reached(1);
  assert.deepEqual(tags(started(executor.started, 0)), [0, 1, 1, 1, 2, 2]);
  started(executor.started, 0).succeed();
  const answers = await Promise.all(results);
  assert.deepEqual(answers.map(valuesOf), [
    [0, 0],
    [1, 1, 1, 1, 1, 1],
    [2, 2, 2, 2],
  ]);
  assert.deepEqual(
    answers.map(({ outputs }) => outputs[0]?.shape),
    [
      [1, 2],
      [3, 2],
      [2, 2],
    ],
  );
});

test('nothing is copied on the way in or out', async () => {
  const { batcher, executor } = bench({}, 0);
  const inputs = [tagged(1), tagged(2)];
  const results = inputs.map(input => batcher.submit(request(input)).result);
  executor.addSlot();
  await executor.reached(1);
  const { execution, succeed } = started(executor.started, 0);
  assert.deepEqual(
    execution.inputs[0]?.parts.map((part, i) => part === inputs[i]?.data),
    [true, true],
  );
  const reply = tagged(9, 2);
  succeed({ outputs: [reply], inferMs: 1 });
  for (const { outputs } of await Promise.all(results)) {
    assert.equal(outputs[0]?.data.buffer, reply.data.buffer);
  }
});

test('a request that does not fit heads the next batch; a smaller one takes the room', async () => {
  const { batcher, executor } = bench({}, 0);
  for (const [tag, rows] of [
    [1, 5],
    [2, 4],
    [3, 3],
    [4, 4],
  ] as const) {
    void batcher.submit(request(tagged(tag, rows)));
  }
  executor.addSlot();
  executor.addSlot();
  await executor.reached(2);
  assert.deepEqual(tags(started(executor.started, 0)), [1, 1, 1, 1, 1, 3, 3, 3]);
  assert.deepEqual(tags(started(executor.started, 1)), [2, 2, 2, 2, 4, 4, 4, 4]);
});

test('urgent requests go first, equals in order of arrival', async () => {
  const { batcher, executor } = bench({}, 0);
  for (const [tag, priority] of [
    [1, 2],
    [2, 3],
    [3, 1],
    [4, 2],
    [5, 1],
    [6, 3],
  ] as const) {
    void batcher.submit(request(tagged(tag), { priority }));
  }
  executor.addSlot();
  await executor.reached(1);
  assert.deepEqual(tags(started(executor.started, 0)), [3, 5, 1, 4, 2, 6]);
});

test('requests of mixed shapes never share a batch and do not block each other', async () => {
  const { batcher, executor } = bench({ signature: DYNAMIC }, 0);
  void batcher.submit(request(ints([1, 1])));
  void batcher.submit(request(ints([2, 2, 2])));
  void batcher.submit(request(ints([3, 3])));
  void batcher.submit(request(ints([4, 4, 4]), { priority: 0 }));
  executor.addSlot();
  executor.addSlot();
  await executor.reached(2);
  assert.deepEqual(
    executor.started.map(({ execution }) => execution.inputs[0]?.shape),
    [
      [2, 3],
      [2, 2],
    ],
  );
});

test('of equally urgent shapes the one that has waited longest goes next', async () => {
  let now = 0;
  const { batcher, executor } = bench({ signature: DYNAMIC, maxBatchSize: 2, now: () => now++ }, 0);
  for (const values of [[1], [2, 2], [1], [1], [1]]) void batcher.submit(request(ints(values)));
  for (let i = 0; i < 3; i++) executor.addSlot();
  await executor.reached(3);
  const shapes = executor.started.map(({ execution }) => execution.inputs[0]?.shape);
  assert.deepEqual(shapes, [
    [2, 1],
    [1, 2],
    [2, 1],
  ]);
});

test('requests for different outputs never share a batch; each gets its outputs in its own order', async () => {
  const spec = (name: string) => ({ name, datatype: 'INT32', shape: [-1, 1] }) as const;
  const signature = { inputs: [spec('a'), spec('b'), spec('c')], outputs: [spec('a'), spec('b'), spec('c')] };
  const { batcher, executor } = bench({ signature }, 0);
  const inputs = ['a', 'b', 'c'].map(name => ints([1], 1, name));
  const wanted = [undefined, ['b', 'a'], ['c', 'a', 'b'], ['a', 'b']];
  const results = wanted.map(outputs => batcher.submit(request(inputs, { outputs })).result);
  executor.addSlot();
  executor.addSlot();
  await executor.reached(2);
  assert.deepEqual(
    executor.started.map(({ execution }) => execution.outputs),
    [undefined, ['a', 'b']],
  );
  for (const one of executor.started) one.succeed();
  const names = (await Promise.all(results)).map(({ outputs }) => outputs.map(({ name }) => name));
  assert.deepEqual(names, [
    ['a', 'b', 'c'],
    ['b', 'a'],
    ['c', 'a', 'b'],
    ['a', 'b'],
  ]);
});

test('a batch is padded with its last row to the next allowed size, and the padding is never answered', async () => {
  const { batcher, executor, events } = bench({ allowedBatchSizes: [4, 6] }, 0);
  const done: BatchDone[] = [];
  events.on('batch:done', event => done.push(event));
  const results = [1, 2, 3, 4, 5, 6, 7].map(tag => batcher.submit(request(tagged(tag))).result);
  executor.addSlot();
  executor.addSlot();
  await executor.reached(2);
  assert.deepEqual(executor.started.map(tags), [
    [1, 2, 3, 4, 5, 6],
    [7, 7, 7, 7],
  ]);
  for (const one of executor.started) one.succeed();
  assert.deepEqual(
    (await Promise.all(results)).map(valuesOf),
    [1, 2, 3, 4, 5, 6, 7].map(tag => [tag, tag]),
  );
  assert.deepEqual(
    done.map(({ rows, paddedRows, requests }) => [rows, paddedRows, requests]),
    [
      [6, 0, 6],
      [1, 3, 1],
    ],
  );
});

test('texts are padded and split at their rows', async () => {
  const spec = { name: 'x', datatype: 'BYTES', shape: [-1, 2] } as const;
  const { batcher, executor } = bench(
    { signature: { inputs: [spec], outputs: [spec] }, allowedBatchSizes: [4] },
    0,
  );
  const first = texts(['one', 'two'], 1);
  const second = texts(['three', '', 'five', 'vi'], 2);
  const results = [first, second].map(input => batcher.submit(request(input)).result);
  executor.addSlot();
  await executor.reached(1);
  const padded = texts(['one', 'two', 'three', '', 'five', 'vi', 'five', 'vi'], 4);
  assert.deepEqual([...flat(started(executor.started, 0)).data], [...padded.data]);
  started(executor.started, 0).succeed();
  const answers = await Promise.all(results);
  assert.deepEqual(
    answers.map(({ outputs }) => [...(outputs[0]?.data ?? [])]),
    [[...first.data], [...second.data]],
  );
});

test('without a batch axis requests run one at a time and tensors pass as they are', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 0, allowedBatchSizes: [4] }, 0);
  const inputs = [ints([1, 2, 3, 4, 5, 6], 2), ints([7], 1)];
  const results = inputs.map(input => batcher.submit(request(input, { rows: 1 })).result);
  executor.addSlot();
  await executor.reached(1);
  const { execution, succeed } = started(executor.started, 0);
  assert.deepEqual([execution.rows, execution.inputs[0]?.shape], [1, [2, 3]]);
  assert.equal(execution.inputs[0]?.parts[0], inputs[0]?.data);
  const reply = ints([8, 9], 1);
  succeed({ outputs: [reply], inferMs: 1 });
  assert.equal((await results[0])?.outputs[0], reply);
  await executor.reached(2);
});

test('where requests are not joined each runs alone, in order, and only rows bound the queue', async () => {
  const { batcher, executor } = bench({ joinsRequests: false, maxSignatures: 1, signature: DYNAMIC }, 0);
  const inputs = [ints([1, 2], 2), ints([3]), ints([4, 4]), ints([...Array(9).keys()], 9)];
  const results = inputs.map(input => batcher.submit(request(input)).result);
  for (let i = 0; i < 5; i++) executor.addSlot();
  await executor.reached(5);
  assert.deepEqual(sizes(executor.started), [2, 1, 1, 8, 1]);
  for (const one of executor.started) one.succeed();
  const answers = await Promise.all(results);
  assert.deepEqual(answers.map(valuesOf), [[1, 2], [3], [4, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8]]);
});

test('a model without a batch axis that leaves out an output has failed', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 0 });
  const { result } = batcher.submit(request(ints([1, 2]), { rows: 1 }));
  await executor.reached(1);
  started(executor.started, 0).succeed({ outputs: [ints([1], 1, 'y')], inferMs: 1 });
  await assert.rejects(result, { code: 'model-failed', message: /output "x" is missing/ });
});

test('a request larger than a batch rides in several and comes back whole', async () => {
  const { batcher, executor, events } = bench({}, 0);
  const done: BatchDone[] = [];
  events.on('batch:done', event => done.push(event));
  const values = Array.from({ length: 40 }, (_, i) => i);
  const small = batcher.submit(request(tagged(77, 3)));
  const large = batcher.submit(request(ints(values, 20)));
  const last = batcher.submit(request(tagged(88)));
  for (let i = 0; i < 3; i++) executor.addSlot();
  await executor.reached(3);
  assert.deepEqual(sizes(executor.started), [8, 8, 8]);
  assert.deepEqual([batcher.queuedRows, batcher.queuedBytes], [0, 0]);
  for (const index of [2, 0, 1]) started(executor.started, index).succeed();
  assert.deepEqual(valuesOf(await large.result), values);
  assert.deepEqual((await large.result).outputs[0]?.shape, [20, 2]);
  assert.equal((await large.result).timing.inferMs, 3);
  assert.deepEqual(valuesOf(await small.result), new Array(6).fill(77));
  assert.deepEqual(valuesOf(await last.result), [88, 88]);
  assert.deepEqual(
    done.map(({ requests }) => requests),
    [2, 2, 1],
  );
});

test('a large request of texts is cut at its rows', async () => {
  const spec = { name: 'x', datatype: 'BYTES', shape: [-1, 1] } as const;
  const { batcher, executor } = bench({ signature: { inputs: [spec], outputs: [spec] }, maxBatchSize: 2 }, 3);
  const input = texts(['a', '', 'ccc', 'dd', 'e'], 5);
  const { result } = batcher.submit(request(input));
  await executor.reached(3);
  for (const one of executor.started) one.succeed();
  assert.deepEqual([...((await result).outputs[0]?.data ?? [])], [...input.data]);
});

test('texts whose framing is broken give the slot back and fail with the input’s name', async () => {
  const spec = { name: 'x', datatype: 'BYTES', shape: [-1, 1] } as const;
  const { batcher, executor } = bench({ signature: { inputs: [spec], outputs: [spec] }, maxBatchSize: 2 });
  const whole = texts(['a', 'b', 'c'], 3);
  const { result } = batcher.submit(request({ ...whole, data: whole.data.subarray(1) }));
  await assert.rejects(result, { code: 'invalid', message: /input "x"/ });
  assert.equal(executor.started.length, 0);
  const next = batcher.submit(request(texts(['d'])));
  await executor.reached(1);
  started(executor.started, 0).succeed();
  await next.result;
});

test('when one part of a large request fails, all of it fails and the rest is not run', async () => {
  const { batcher, executor } = bench();
  const { result } = batcher.submit(request(tagged(1, 20)));
  await executor.reached(1);
  started(executor.started, 0).fail(new GatewayError('model-failed', 'no'));
  await assert.rejects(result, { code: 'model-failed' });
  await turn();
  assert.deepEqual(
    [executor.started.length, batcher.queuedRows, batcher.queuedBytes, executor.outstanding],
    [1, 0, 0, 0],
  );
});

test('parts of a large request with unequal rows are the model’s failure, for that request alone', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 2 }, 2);
  const large = batcher.submit(request(tagged(1, 3)));
  const small = batcher.submit(request(tagged(2, 1)));
  await executor.reached(2);
  started(executor.started, 0).succeed({ outputs: [ints([1, 2, 3, 4], 2)], inferMs: 1 });
  started(executor.started, 1).succeed({ outputs: [ints([1, 2, 3, 4, 5, 6], 2)], inferMs: 1 });
  await assert.rejects(large.result, { code: 'model-failed', message: /output "x" has rows of shape/ });
  assert.deepEqual(valuesOf(await small.result), [4, 5, 6]);
});

test('a batch that fails for no fault of its rows fails each of its requests with its error, and the next one runs', async () => {
  const { batcher, executor, events } = bench({}, 0);
  const done: BatchDone[] = [];
  events.on('batch:done', event => done.push(event));
  const results = [1, 2].map(tag => batcher.submit(request(tagged(tag))).result);
  executor.addSlot();
  await executor.reached(1);
  const next = batcher.submit(request(tagged(3))).result;
  const error = new GatewayError('unavailable', 'worker died');
  started(executor.started, 0).fail(error);
  for (const result of results) await assert.rejects(result, error);
  await executor.reached(2);
  started(executor.started, 1).succeed();
  assert.deepEqual(valuesOf(await next), [3, 3]);
  assert.deepEqual(
    done.map(({ outcome, inferMs, requests }) => [outcome, inferMs, requests]),
    [
      ['unavailable', 0, 2],
      ['ok', 1, 1],
    ],
  );
});

test('an output with another row count is never split: its requests run again, each alone', async () => {
  const { batcher, executor } = bench({}, 0);
  const [first, second] = [1, 2].map(tag => batcher.submit(request(tagged(tag))).result);
  executor.addSlot();
  await executor.reached(1);
  started(executor.started, 0).succeed({ outputs: [tagged(1, 1)], inferMs: 1 });
  await executor.reached(2);
  started(executor.started, 1).succeed();
  assert.deepEqual(valuesOf((await first) as InferenceResult), [1, 1]);
  await executor.reached(3);
  started(executor.started, 2).succeed({ outputs: [tagged(1, 2)], inferMs: 1 });
  await assert.rejects(second as Promise<unknown>, { code: 'model-failed', message: /output "x"/ });
});

test('cancelling a queued request takes its rows out of the counts at once, and it never runs', async () => {
  const { batcher, executor } = bench();
  void batcher.submit(request(tagged(1)));
  await executor.reached(1);
  const gone = batcher.submit(request(tagged(2, 3)));
  const stays = batcher.submit(request(tagged(3)));
  assert.deepEqual([batcher.queuedRows, batcher.queuedBytes], [4, 32]);
  gone.cancel(GONE);
  assert.deepEqual([batcher.queuedRows, batcher.queuedBytes], [1, 8]);
  await assert.rejects(gone.result, GONE);
  started(executor.started, 0).succeed();
  await executor.reached(2);
  assert.deepEqual(tags(started(executor.started, 1)), [3]);
  started(executor.started, 1).succeed();
  await stays.result;
  stays.cancel(GONE);
  assert.deepEqual(valuesOf(await stays.result), [3, 3]);
});

test('cancelling a running request ends it at once and drops its result', async () => {
  const { batcher, executor } = bench({}, 0);
  const gone = batcher.submit(request(tagged(1)));
  const stays = batcher.submit(request(tagged(2)));
  executor.addSlot();
  await executor.reached(1);
  gone.cancel(GONE);
  gone.cancel(new GatewayError('internal', 'only the first counts'));
  await assert.rejects(gone.result, GONE);
  started(executor.started, 0).succeed();
  assert.deepEqual(valuesOf(await stays.result), [2, 2]);
});

test('when every requester has gone the request for a slot is withdrawn', async () => {
  const { batcher, executor } = bench({}, 0);
  const gone = batcher.submit(request(tagged(1)));
  assert.equal(executor.outstanding, 1);
  gone.cancel(GONE);
  await assert.rejects(gone.result, GONE);
  assert.equal(executor.outstanding, 0);
  executor.addSlot();
  await turn();
  assert.deepEqual([executor.started.length, executor.released], [0, 0]);
});

test('exactly one slot is asked for while anything is queued, none otherwise', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 1 });
  for (let i = 0; i < 3; i++) void batcher.submit(request(tagged(i)));
  for (let i = 0; i < 3; i++) {
    await executor.reached(i + 1);
    assert.equal(executor.outstanding, i < 2 ? 1 : 0);
    started(executor.started, i).succeed();
  }
});

test('a full queue refuses with a time to try again, and takes more once rows have left', async () => {
  const { batcher, executor } = bench({ maxQueueRows: 4 }, 0);
  void batcher.submit(request(tagged(1, 3)));
  await assert.rejects(batcher.submit(request(tagged(2, 2))).result, (error: GatewayError) => {
    assert.equal(error.code, 'overloaded');
    assert.ok((error.retryAfterMs ?? 0) > 0);
    return true;
  });
  assert.equal(batcher.queuedRows, 3);
  executor.addSlot();
  await executor.reached(1);
  void batcher.submit(request(tagged(2, 4)));
  assert.equal(batcher.queuedRows, 4);
});

test('bytes are bounded too, and what never fits is too large', async () => {
  const { batcher } = bench({ maxQueueRows: 4, maxQueueBytes: 24 }, 0);
  void batcher.submit(request(tagged(1, 2)));
  await assert.rejects(batcher.submit(request(tagged(2, 2))).result, { code: 'overloaded' });
  await assert.rejects(batcher.submit(request(tagged(2, 5))).result, {
    code: 'too-large',
    message: /4 rows/,
  });
  await assert.rejects(batcher.submit(request(tagged(2, 4))).result, {
    code: 'too-large',
    message: /24 bytes/,
  });
});

test('waiting signatures are bounded, and one that is idle makes room at once', async () => {
  const { batcher, executor } = bench({ signature: DYNAMIC, maxSignatures: 2 }, 0);
  void batcher.submit(request(ints([1])));
  const second = batcher.submit(request(ints([1, 2])));
  await assert.rejects(batcher.submit(request(ints([1, 2, 3]))).result, { code: 'overloaded' });
  void batcher.submit(request(ints([9])));
  second.cancel(GONE);
  void batcher.submit(request(ints([1, 2, 3])));
  executor.addSlot();
  await executor.reached(1);
  void batcher.submit(request(ints([1, 2, 3, 4])));
  assert.equal(batcher.queuedRows, 2);
});

test('rows that could not be told apart are refused before they are queued', async () => {
  const { batcher } = bench({ signature: { ...FIXED, inputs: [...FIXED.inputs, ...FIXED.inputs] } }, 0);
  const refused = [
    request(tagged(1, 2), { rows: 3 }),
    request([tagged(1, 2), tagged(1, 3)]),
    request({ ...tagged(1, 1), shape: [] }, { rows: 1 }),
    request(ints([], 1), { rows: 0 }),
  ];
  for (const inference of refused)
    await assert.rejects(batcher.submit(inference).result, { code: 'invalid' });
  const single = bench({ maxBatchSize: 0 });
  await assert.rejects(single.batcher.submit(request(tagged(1, 2))).result, { code: 'invalid' });
});

test('draining refuses new requests and ends when nothing is queued or running', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 1 });
  const results = [1, 2].map(tag => batcher.submit(request(tagged(tag))).result);
  let drained = false;
  const drain = batcher.drain().then(() => {
    drained = true;
  });
  await assert.rejects(batcher.submit(request(tagged(3))).result, { code: 'unavailable' });
  await executor.reached(1);
  started(executor.started, 0).succeed();
  await executor.reached(2);
  await turn();
  assert.equal(drained, false);
  started(executor.started, 1).succeed();
  await drain;
  await Promise.all(results);
  await batcher.drain();
  await bench().batcher.drain();
});

test('closing fails what is queued, answers what runs, and ends a drain', async () => {
  const { batcher, executor } = bench({ maxBatchSize: 1, signature: DYNAMIC });
  const running = batcher.submit(request(ints([1])));
  await executor.reached(1);
  const queued = [ints([2]), ints([3, 3]), ints([4], 1)].map(input => batcher.submit(request(input)).result);
  const drain = batcher.drain();
  const error = new GatewayError('unavailable', 'unloaded');
  batcher.close(error);
  for (const result of queued) await assert.rejects(result, error);
  assert.deepEqual([batcher.queuedRows, batcher.queuedBytes, executor.outstanding], [0, 0, 0]);
  started(executor.started, 0).succeed();
  assert.deepEqual(valuesOf(await running.result), [1]);
  await drain;
  await assert.rejects(batcher.submit(request(ints([5]))).result, { code: 'unavailable' });
});
