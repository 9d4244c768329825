import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../src/errors.ts';
import { behindItsOwn, fallbackOf, isForAnother, misfitOf, submitOr, type Takes } from '../src/fallback.ts';
import type { Inference, InferenceResult, Submission } from '../src/inference.ts';
import { outageError } from '../src/pool/outage.ts';

const OPEN = { state: 'open', reason: 'broken', sinceMs: 1, calls: 4, failures: 4, slow: 0 } as const;
const outage = () =>
  outageError('m', '2', [
    { ...OPEN, nextTrialMs: 700 },
    { ...OPEN, nextTrialMs: 300 },
  ]);
const INFERENCE: Inference = { inputs: [], outputs: undefined, rows: 1, deadline: 9, priority: 1 };
const RESULT: InferenceResult = { outputs: [], timing: { queueMs: 1, inferMs: 2, batchRows: 3 } };

const takes = (shape: readonly number[], over: Partial<Takes> = {}): Takes => ({
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape }],
    outputs: [{ name: 'y', datatype: 'INT64', shape: [-1] }],
  },
  maxBatchSize: 8,
  ...over,
});

function answerer(version: string, result: Promise<InferenceResult>) {
  const asked: Inference[] = [];
  const cancelled: GatewayError[] = [];
  result.catch(() => {});
  const submit = (inference: Inference): Submission => {
    asked.push(inference);
    return { result, cancel: error => void cancelled.push(error) };
  };
  return { model: 'm', version, unit: takes([-1, 4]), submit, asked, cancelled };
}

test('who comes from a model with other levels of priority stands behind those who ask the fallback itself', () => {
  const other = answerer('1', Promise.resolve(RESULT));
  void behindItsOwn(other, { priorityLevels: 3 }, { priorityLevels: 1 }).submit(INFERENCE);
  void behindItsOwn(other, { priorityLevels: 3 }, { priorityLevels: 3 }).submit(INFERENCE);
  assert.deepEqual(
    other.asked.map(({ priority }) => priority),
    [3, 1],
  );
});

test('the next trial of any worker is when to come back', () => {
  const { code, message, retryAfterMs } = outage();
  assert.deepEqual(
    [code, message, retryAfterMs],
    ['unavailable', 'model "m" version 2 is out of service: broken', 300],
  );
  const held = outageError('m', '2', [{ ...OPEN, nextTrialMs: undefined }]);
  const trying = outageError('m', '2', [{ ...OPEN, state: 'trying', nextTrialMs: 0 }]);
  assert.deepEqual([held.retryAfterMs, trying.retryAfterMs], [10_000, 1000]);
});

test('who answers in its place: a version of its own, or another model, and never itself', () => {
  const of = (fallback: { version?: number; model?: string }) =>
    fallbackOf(
      { model: 'm', version: '2' },
      { fallback: { ...fallback, onCanaryFailure: 'stable', staleIfErrorMs: 0 } },
    );
  assert.equal(of({}), undefined);
  assert.deepEqual(of({ version: 1 }), { model: 'm', version: '1' });
  assert.equal(of({ version: 2 }), undefined);
  assert.deepEqual(of({ model: 'other' }), { model: 'other', version: undefined });
  assert.deepEqual(of({ model: 'other', version: 2 }), { model: 'other', version: '2' });
});

test('only what takes and gives the same can answer in its place', () => {
  const asked = takes([-1, 4]);
  const { signature } = asked;
  const [input, output] = [signature.inputs[0], signature.outputs[0]];
  assert.ok(input && output);
  const table: [Takes, string | undefined][] = [
    [takes([-1, 4]), undefined],
    [takes([-1, -1]), undefined],
    [takes([-1, 5]), "its input 'x' has shape [-1,5], not [-1,4]"],
    [takes([-1, 4, 1]), "its input 'x' has shape [-1,4,1], not [-1,4]"],
    [takes([-1, 4], { maxBatchSize: 0 }), 'only one of them has a batch axis'],
    [
      { ...asked, signature: { ...signature, inputs: [{ ...input, datatype: 'FP64' }] } },
      "its input 'x' is FP64, not FP32",
    ],
    [{ ...asked, signature: { ...signature, inputs: [] } }, "it has no input 'x'"],
    [
      { ...asked, signature: { ...signature, inputs: [input, { ...input, name: 'z' }] } },
      "it has the input 'z' too",
    ],
    [{ ...asked, signature: { ...signature, outputs: [] } }, "it has no output 'y'"],
    [
      { ...asked, signature: { ...signature, outputs: [{ ...output, datatype: 'INT32' }] } },
      "its output 'y' is INT32, not INT64",
    ],
  ];
  for (const [other, misfit] of table) assert.equal(misfitOf(asked, other), misfit);
});

test('another is asked only where the version is out, or its worker failed without the rows having run', () => {
  const table: [GatewayError, boolean][] = [
    [outage(), true],
    [new GatewayError('worker-failed', '', { notRun: true }), true],
    [new GatewayError('worker-failed', ''), false],
    [new GatewayError('internal', ''), true],
    [new GatewayError('unavailable', 'draining'), false],
    [new GatewayError('model-failed', ''), false],
    [new GatewayError('invalid', ''), false],
    [new GatewayError('overloaded', ''), false],
    [new GatewayError('deadline', ''), false],
    [new GatewayError('not-cached', ''), false],
    [new GatewayError('cancelled', ''), false],
  ];
  for (const [error, expected] of table) assert.equal(isForAnother(error), expected, error.code);
});

test('the answer says who gave it', async () => {
  const [one, other] = [answerer('2', Promise.reject(outage())), answerer('1', Promise.resolve(RESULT))];
  const { instead, inputsInUse } = await submitOr(one, other)(INFERENCE).result;
  assert.deepEqual([instead, inputsInUse, other.asked], [{ model: 'm', version: '1' }, true, [INFERENCE]]);
});

test('where the one answers, or its caller was at fault, nobody else is asked', async () => {
  const other = answerer('1', Promise.resolve(RESULT));
  const well = answerer('2', Promise.resolve(RESULT));
  assert.equal(await submitOr(well, other)(INFERENCE).result, RESULT);
  const wrong = answerer('2', Promise.reject(new GatewayError('invalid', 'wrong')));
  await assert.rejects(submitOr(wrong, other)(INFERENCE).result, { code: 'invalid' });
  assert.deepEqual(other.asked, []);
});

test('when the other cannot answer either, the first reason is told', async () => {
  const other = answerer('1', Promise.reject(new GatewayError('model-failed', 'no')));
  const { result } = submitOr(answerer('2', Promise.reject(outage())), other)(INFERENCE);
  await assert.rejects(result, { code: 'unavailable', retryAfterMs: 300 });
});

test('a caller who leaves is taken from whoever has the request', async () => {
  const gone = new GatewayError('cancelled', 'gone');
  const never = Promise.withResolvers<InferenceResult>();
  const first = Promise.withResolvers<InferenceResult>();
  const [one, other] = [answerer('2', first.promise), answerer('1', never.promise)];
  const early = submitOr(one, other)(INFERENCE);
  early.cancel(gone);
  first.reject(outage());
  await assert.rejects(early.result, { code: 'unavailable' });
  assert.deepEqual([one.cancelled, other.asked], [[gone], []]);
  const late = submitOr(one, other)(INFERENCE);
  while (other.asked.length === 0) await null;
  late.cancel(gone);
  never.reject(gone);
  await assert.rejects(late.result, { code: 'cancelled' });
  assert.deepEqual(other.cancelled, [gone]);
});
