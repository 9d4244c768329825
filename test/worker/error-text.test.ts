import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { toFailure, withoutPaths } from '../../src/worker/error-text.ts';

test('directories are left out, what they hold and what is said of it stays', () => {
  const cases = [
    [
      "ENOENT: no such file or directory, open '/srv/models/m/1/model.onnx'",
      "ENOENT: no such file or directory, open 'model.onnx'",
    ],
    ['/onnxruntime_src/onnxruntime/core/x.cc:17 Run failed', 'x.cc:17 Run failed'],
    ['Load model from C:/models/a.onnx failed', 'Load model from a.onnx failed'],
    ["node '/encoder/layer.1/Gemm' failed", "node 'Gemm' failed"],
    ['idx=99 must be within [-8,7], 1/2 of rows', 'idx=99 must be within [-8,7], 1/2 of rows'],
    ['[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : bad\n  shape\t{4}', 'bad shape {4}'],
  ] as const;
  for (const [text, expected] of cases) assert.equal(withoutPaths(text).replace(/ +/g, ' '), expected);
  assert.equal(withoutPaths('x'.repeat(5000)).length, 601);
});

test('an error of our own keeps its code; any other is the model failing', () => {
  assert.deepEqual(toFailure(new GatewayError('invalid', 'no'), 'model-failed', 'model failed'), {
    kind: 'failed',
    code: 'invalid',
    message: 'no',
  });
  assert.deepEqual(toFailure(new Error('/a/b.cc: broke'), 'model-failed', 'model failed'), {
    kind: 'failed',
    code: 'model-failed',
    message: 'model failed: b.cc: broke',
  });
});
