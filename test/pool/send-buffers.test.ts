import assert from 'node:assert/strict';
import test from 'node:test';
import type { Execution } from '../../src/inference.ts';
import { requestBody } from '../../src/pool/request-body.ts';
import { SendBuffers } from '../../src/pool/send-buffers.ts';

test('a buffer is used again only after it was given back', () => {
  const buffers = new SendBuffers(2);
  const one = buffers.take(100);
  const two = buffers.take(100);
  assert.notEqual(one, two);
  buffers.give(one);
  assert.equal(buffers.take(200), one);
  assert.notEqual(buffers.take(100), two);
});

test('keeps no more than its limit, the largest, and none that is huge', () => {
  const buffers = new SendBuffers(1);
  const small = buffers.take(10);
  const large = buffers.take(1_000_000);
  const huge = buffers.take(3_000_000);
  assert.ok(large.byteLength >= 1_000_000 && huge.byteLength === 3_000_000);
  for (const buffer of [large, small, huge]) buffers.give(buffer);
  assert.equal(buffers.take(10), large);
  assert.notEqual(buffers.take(10), small);
});

const rows = (count: number, bytes: number): Execution => ({
  inputs: [
    {
      name: 'x',
      datatype: 'UINT8',
      shape: [count, bytes],
      parts: Array.from({ length: count }, (_, row) => new Uint8Array(bytes).fill(row + 1)),
    },
  ],
  outputs: undefined,
  rows: count,
});

test('small rows are copied together once, large ones are sent as they are', () => {
  const buffers = new SendBuffers(1);
  const small = requestBody(rows(3, 4), buffers);
  const body = small.body as Buffer;
  assert.equal(body.buffer, small.buffer?.buffer);
  assert.deepEqual([...body.subarray(-12)], [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
  const execution = rows(1, 500_000);
  const large = requestBody(execution, buffers);
  const [header, part] = large.body as unknown as Uint8Array[];
  assert.equal(part, execution.inputs[0]?.parts[0]);
  assert.equal(large.buffer, undefined);
  const declared = Number(large.headers[large.headers.indexOf('content-length') + 1]);
  assert.equal(declared, (header?.byteLength ?? 0) + 500_000);
});
