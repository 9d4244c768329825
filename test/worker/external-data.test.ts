import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import onnxProto from 'onnx-proto';
import { twoInputs } from '../support/onnx.ts';
import { input, orderFor, sha256, startWorker } from './running-worker.ts';

const { onnx } = onnxProto;
const weights = new Uint8Array(new Float32Array([10, 20]).buffer);

/** `sum` = a + b where `b` has become a constant whose bytes lie in the file `location`. */
function withExternalWeights(location: string): Uint8Array {
  const model = onnx.ModelProto.decode(twoInputs(2));
  const { graph } = model;
  assert.ok(graph?.input);
  graph.input = graph.input.filter(({ name }) => name !== 'b');
  graph.initializer = [
    onnx.TensorProto.create({
      name: 'b',
      dims: [1, 2],
      dataType: onnx.TensorProto.DataType.FLOAT,
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: [{ key: 'location', value: location }],
    }),
  ];
  return onnx.ModelProto.encode(model).finish();
}

test('weights in a file of their own are read from where the order says', async t => {
  const worker = await startWorker(t);
  const file = path.join(worker.folder, 'm.data');
  writeFileSync(file, weights);
  const externalData = [{ path: 'inner/name.bin', file, sha256: sha256(weights) }];
  const loaded = await worker.load(withExternalWeights('inner/name.bin'), { externalData, instances: 2 });
  assert.equal(loaded.status, 200, loaded.body.toString());
  const [sum] = await worker.infer([input('a', 'FP32', [1, 2], new Float32Array([1, 2]))], {
    outputs: ['sum'],
  });
  assert.deepEqual([...new Float32Array(Uint8Array.from(sum?.data ?? []).buffer)], [11, 22]);
});

test('a model does not reach files that its order does not name', async t => {
  const worker = await startWorker(t);
  const beside = path.join(worker.folder, 'beside.bin');
  writeFileSync(beside, weights);
  for (const location of ['../../etc/hostname', '/etc/hostname', beside, path.relative('/', beside)]) {
    const model = withExternalWeights(location);
    const file = path.join(worker.folder, 'm.onnx');
    writeFileSync(file, model);
    const refused = await worker.order(orderFor(file, model));
    assert.equal(refused.status, 400, location);
    assert.doesNotMatch(refused.body.toString(), /"\/(etc|tmp)/);
  }
});
