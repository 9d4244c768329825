import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import { type EncodeOptions, encodeInfer } from '../../src/protocol/encode-infer.ts';
import { DEFAULT_PARAMETERS } from '../../src/protocol/read-parameters.ts';
import { decodeReply } from '../../src/protocol/worker-reply.ts';
import { encodeExecution } from '../../src/protocol/worker-request.ts';
import type { Tensor } from '../../src/tensor.ts';
import { DATATYPES, tensors } from './arbitrary-tensors.ts';

const OPTIONS: EncodeOptions = { nonFinite: 'error', classLabels: new Map() };
const RUNS = { numRuns: 200 };

const plain = (list: readonly Tensor[]): unknown =>
  list.map(({ name, datatype, shape, data }) => ({
    name,
    datatype,
    shape,
    data: Buffer.from(data).toString('hex'),
  }));

function answered(output: Tensor, binaryDataOutput: boolean): readonly Tensor[] {
  const request = { outputs: undefined, parameters: { ...DEFAULT_PARAMETERS, binaryDataOutput } };
  const reply = encodeInfer({ model: 'm', version: '1', id: 'ä"', outputs: [output] }, request, OPTIONS);
  const body = Buffer.concat(reply.chunks);
  assert.equal(body.length, reply.byteLength);
  return decodeReply(body, reply.headerLength);
}

for (const datatype of DATATYPES) {
  test(`${datatype} reaches a worker and comes back as it was`, () => {
    fc.assert(
      fc.property(tensors(datatype, false), tensor => {
        const parts = [tensor.data.subarray(0, 3), tensor.data.subarray(3)];
        const input = { name: 'x', datatype, shape: tensor.shape, parts };
        const call = encodeExecution(
          { inputs: [input], outputs: ['x'], rows: 1 },
          { id: 'é', deep: 1.5, on: true },
        );
        const body = Buffer.concat([call.header, ...call.parts]);
        assert.equal(body.length, call.byteLength);
        assert.equal(call.header.length % 8, 0);
        const signature = { inputs: [tensor], outputs: [tensor] };
        const request = decodeInfer(body, call.header.length, { name: 'm', signature, maxBatchSize: 0 });
        assert.deepEqual(plain(request.inputs), plain([tensor]));
        assert.deepEqual(request.outputs, [{ name: 'x', binary: true, classification: 0 }]);
        assert.deepEqual(
          [...request.parameters.custom],
          [
            ['id', 'é'],
            ['deep', 1.5],
            ['on', true],
          ],
        );
        assert.deepEqual(plain(answered(tensor, true)), plain([tensor]));
      }),
      RUNS,
    );
  });
}

for (const datatype of DATATYPES.filter(name => name !== 'FP16')) {
  test(`${datatype} survives JSON, flat and nested`, () => {
    fc.assert(
      fc.property(tensors(datatype, true), tensor => {
        const answer = answered(tensor, false);
        assert.deepEqual(plain(answer), plain([tensor]));
        const request = { outputs: undefined, parameters: DEFAULT_PARAMETERS };
        const reply = encodeInfer({ model: 'm', version: '1', id: '', outputs: [tensor] }, request, OPTIONS);
        const text = Buffer.concat(reply.chunks).toString();
        JSON.parse(text);
        const nested = text.replace(/"data":\[.*\]\}\]\}$/s, () => `"data":${nest(text, tensor.shape)}}]}`);
        assert.deepEqual(plain(decodeReply(Buffer.from(nested), undefined)), plain([tensor]));
      }),
      RUNS,
    );
  });
}

/** The flat data of a reply's text, written again in the nesting of its shape. */
function nest(text: string, shape: readonly number[]): string {
  const flat = /"data":(\[.*\])\}\]\}$/s.exec(text)?.[1] ?? '';
  const elements = flat.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|[^,]+/g) ?? [];
  let at = 0;
  const level = (axis: number): string =>
    axis >= shape.length
      ? (elements[at++] ?? '')
      : ` [ ${Array.from({ length: shape[axis] ?? 0 }, () => level(axis + 1)).join(' ,\n')}\t]`;
  return shape.length === 0 ? flat : level(0);
}
