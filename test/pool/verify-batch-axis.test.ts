import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../../src/inference.ts';
import { examine } from '../../src/pool/examine.ts';
import type { WarmupSample } from '../../src/pool/version-spec.ts';
import type { Tensor } from '../../src/tensor.ts';

type Rows = Float32Array[];

const K = 4;
const spec = { maxBatchSize: undefined, batchSizes: [], derivedMaxBatchSize: 8, warmup: [] };
const signature = (first = -1): ModelSignature => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [first, K] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [first, K] }],
});

/** A model over rows of four floats, as the worker would run it. */
function modelOf(compute: (rows: Rows) => Rows): {
  run: (execution: Execution) => Promise<ExecutionResult>;
  sizes: number[];
} {
  const sizes: number[] = [];
  const run = async ({ inputs }: Execution): Promise<ExecutionResult> => {
    const parts = inputs[0]?.parts ?? [];
    sizes.push(parts.length);
    const rows = compute(parts.map(part => new Float32Array(part.slice().buffer)));
    const data = Buffer.concat(rows.map(row => new Uint8Array(row.buffer)));
    const output: Tensor = { name: 'y', datatype: 'FP32', shape: [rows.length, K], data };
    return { outputs: [output], inferMs: 1 };
  };
  return { run, sizes };
}

const softmaxOverBatch = (rows: Rows): Rows =>
  rows.map(row =>
    row.map((value, i) => Math.exp(value) / rows.reduce((sum, r) => sum + Math.exp(r[i] ?? 0), 0)),
  );
const doubled = (rows: Rows): Rows => rows.map(row => row.map(value => value * 2));

test('a model whose rows are independent is batched and said to be verified', async () => {
  const model = modelOf(doubled);
  const examined = await examine(model.run, signature(), spec);
  assert.equal(examined.maxBatchSize, 8);
  assert.equal(examined.verification.kind, 'verified');
  assert.equal(examined.deterministic, true);
  assert.deepEqual(examined.warmed, [1, 2, 4, 8]);
  assert.deepEqual(
    examined.warmUp.map(execution => execution.rows),
    [1, 2, 4, 8],
  );
});

test('a difference within floating-point noise is no difference', async () => {
  const model = modelOf(rows => doubled(rows).map(row => row.map(value => value * (1 + 1e-5 * rows.length))));
  assert.equal((await examine(model.run, signature(), spec)).verification.kind, 'verified');
});

test('small answers are compared by their own size', async () => {
  const model = modelOf(rows => softmaxOverBatch(rows).map(row => row.map(value => value * 1e-6)));
  assert.equal((await examine(model.run, signature(), spec)).maxBatchSize, 0);
});

const dependent: Record<string, (rows: Rows) => Rows> = {
  'a softmax over the batch': softmaxOverBatch,
  'a running sum': rows => {
    const sum = new Float32Array(K);
    return rows.map(row => row.map((value, i) => (sum[i] = (sum[i] ?? 0) + value)));
  },
  'rows that come back reversed': rows => [...rows].reverse(),
  'an answer about the batch as a whole': rows => [rows[0] ?? new Float32Array(K)],
};

for (const [name, compute] of Object.entries(dependent)) {
  test(`not batched: ${name}`, async () => {
    const examined = await examine(modelOf(compute).run, signature(), spec);
    assert.equal(examined.maxBatchSize, 0);
    assert.equal(examined.verification.kind, 'none');
    assert.match(examined.verification.detail, /output 'y'/);
    assert.deepEqual(examined.warmed, [1]);
  });

  test(`refused when the configuration says to batch it: ${name}`, async () => {
    await assert.rejects(examine(modelOf(compute).run, signature(), { ...spec, maxBatchSize: 8 }), error => {
      assert.ok(error instanceof GatewayError);
      assert.equal(error.code, 'invalid');
      assert.match(error.message, /maxBatchSize is 8.*output 'y'.*set maxBatchSize to 0/);
      return true;
    });
  });
}

test('a model that fails on two rows is not batched', async () => {
  const model = modelOf(rows => {
    if (rows.length > 1) throw new GatewayError('model-failed', 'reshape to {1,4} is impossible');
    return doubled(rows);
  });
  const examined = await examine(model.run, signature(), spec);
  assert.equal(examined.maxBatchSize, 0);
  assert.match(examined.verification.detail, /fails on a batch of 2 rows: reshape/);
});

test('a first dimension that is fixed is no batch axis', async () => {
  const examined = await examine(modelOf(doubled).run, signature(1), spec);
  assert.equal(examined.maxBatchSize, 0);
  assert.match(examined.verification.detail, /input 'x' has shape \[1,4\]/);
  await assert.rejects(examine(modelOf(doubled).run, signature(1), { ...spec, maxBatchSize: 8 }), {
    code: 'invalid',
  });
});

test('a model that answers at random is not deterministic, and batched only when the configuration says so', async () => {
  let n = 0;
  const random = (rows: Rows): Rows => rows.map(row => row.map(() => ++n));
  const derived = await examine(modelOf(random).run, signature(), spec);
  assert.equal(derived.deterministic, false);
  assert.equal(derived.maxBatchSize, 0);
  const given = await examine(modelOf(random).run, signature(), { ...spec, maxBatchSize: 4 });
  assert.equal(given.maxBatchSize, 4);
  assert.equal(given.verification.kind, 'trusted');
});

test('maxBatchSize 0 runs nothing together', async () => {
  const model = modelOf(doubled);
  const examined = await examine(model.run, signature(), { ...spec, maxBatchSize: 0 });
  assert.equal(examined.verification.kind, 'none');
  assert.deepEqual(new Set(model.sizes), new Set([1]));
});

test('tries sizes for free dimensions until one is accepted', async () => {
  const free: ModelSignature = {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3, -1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, K] }],
  };
  const tried: (number | undefined)[] = [];
  const run = async ({ inputs, rows }: Execution): Promise<ExecutionResult> => {
    const width = inputs[0]?.shape[2] ?? 0;
    tried.push(width);
    if (width < 32) throw new GatewayError('model-failed', 'too narrow');
    const data = new Uint8Array(4 * K * rows);
    return { outputs: [{ name: 'y', datatype: 'FP32', shape: [rows, K], data }], inferMs: 1 };
  };
  assert.equal((await examine(run, free, spec)).maxBatchSize, 8);
  assert.deepEqual(tried.slice(0, 3), [1, 16, 32]);
});

test('with no sample that runs, a given maxBatchSize is trusted and nothing is warm', async () => {
  const fails = modelOf(() => {
    throw new GatewayError('model-failed', 'index out of range');
  });
  const given = await examine(fails.run, signature(), { ...spec, maxBatchSize: 16 });
  assert.deepEqual([given.maxBatchSize, given.verification.kind, given.warmed], [16, 'trusted', []]);
  const derived = await examine(fails.run, signature(), spec);
  assert.deepEqual([derived.maxBatchSize, derived.verification.kind], [0, 'none']);
  assert.match(derived.verification.detail, /index out of range/);
});

const warmup = (over: Partial<WarmupSample> = {}): WarmupSample => ({
  batchSize: 1,
  inputs: { x: { fill: 'random' } },
  ...over,
});

test('a sample from the configuration must fit the model and run', async () => {
  const run = modelOf(doubled).run;
  const wrong: [RegExp, WarmupSample][] = [
    [/the input 'z', but the model has 'x'/, warmup({ inputs: { z: { fill: 'zero' } } })],
    [
      /'x' is INT64, but the model takes FP32/,
      warmup({ inputs: { x: { fill: 'zero', datatype: 'INT64' } } }),
    ],
    [/shape \[5\], but the model takes \[4\]/, warmup({ inputs: { x: { fill: 'zero', shape: [5] } } })],
    [/warmup\[0\]\.batchSize is 99/, warmup({ batchSize: 99 })],
  ];
  for (const [message, sample] of wrong) {
    await assert.rejects(examine(run, signature(), { ...spec, warmup: [sample] }), {
      code: 'invalid',
      message,
    });
  }
  const fails = modelOf(() => {
    throw new GatewayError('model-failed', 'no');
  });
  await assert.rejects(examine(fails.run, signature(), { ...spec, warmup: [warmup()] }), {
    code: 'model-failed',
  });
});

test('rows that are all alike prove nothing', async () => {
  const constant = { ...spec, warmup: [warmup({ inputs: { x: { fill: 7 } } })] };
  assert.equal((await examine(modelOf(doubled).run, signature(), constant)).maxBatchSize, 0);
  const given = await examine(modelOf(doubled).run, signature(), { ...constant, maxBatchSize: 4 });
  assert.equal(given.verification.kind, 'trusted');
});

test('a derived maximum gives way to the largest size that runs; a given one must run', async () => {
  const small = modelOf(rows => {
    if (rows.length > 4) throw new GatewayError('model-failed', 'out of memory');
    return doubled(rows);
  });
  const derived = await examine(small.run, signature(), spec);
  assert.deepEqual([derived.maxBatchSize, derived.warmed], [4, [1, 2, 4]]);
  await assert.rejects(examine(small.run, signature(), { ...spec, maxBatchSize: 8 }), {
    code: 'model-failed',
    message: /fails at batch size 8: out of memory/,
  });
});

test('a worker that goes away ends the examination', async () => {
  const gone = modelOf(() => {
    throw new GatewayError('unavailable', 'gone');
  });
  await assert.rejects(examine(gone.run, signature(), spec), { code: 'unavailable' });
});

test('warms exactly the sizes that are allowed, and the maximum', async () => {
  const examined = await examine(modelOf(doubled).run, signature(), {
    ...spec,
    maxBatchSize: 8,
    batchSizes: [1, 6, 32],
  });
  assert.deepEqual(examined.warmed, [1, 6, 8]);
});
