import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { decodeInfer } from '../../src/protocol/decode-infer.ts';
import { MALFORMED, MIXED, WELL_FORMED } from './fixtures/malformed-requests.ts';

test('the request that the table breaks decodes', () => {
  assert.equal(decodeInfer(Buffer.from(WELL_FORMED), undefined, MIXED).inputs.length, 2);
  assert.ok(MALFORMED.length >= 60, `${MALFORMED.length} malformed requests`);
});

for (const { title, body, headerLength, target, error } of MALFORMED) {
  test(`refuses ${title}`, () => {
    assert.throws(() => decodeInfer(body, headerLength, target), new GatewayError('invalid', error));
  });
}
