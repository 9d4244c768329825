import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createTokenCheck } from '../../src/admin/token.ts';

const TOKEN = 'kZ8:vQ2-long+enough/token==';
const check = createTokenCheck(TOKEN);
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

const CASES: readonly [authorization: string | undefined, method: string, accepted: boolean][] = [
  [`Bearer ${TOKEN}`, 'GET', true],
  [`bearer ${TOKEN}`, 'POST', true],
  [`Bearer  ${TOKEN}`, 'DELETE', true],
  [undefined, 'GET', false],
  ['', 'GET', false],
  ['Bearer', 'GET', false],
  ['Bearer ', 'GET', false],
  [TOKEN, 'GET', false],
  [`Bearer${TOKEN}`, 'GET', false],
  [`Token ${TOKEN}`, 'GET', false],
  [`Bearer ${TOKEN}x`, 'GET', false],
  [`Bearer ${TOKEN.slice(0, -1)}`, 'GET', false],
  [`Bearer ${TOKEN.toUpperCase()}`, 'GET', false],
  [`Bearer ${TOKEN} `, 'GET', false],
  [`Bearer ${TOKEN}, Bearer x`, 'GET', false],
  [basic(`operator:${TOKEN}`), 'GET', true],
  [basic(`:${TOKEN}`), 'HEAD', true],
  [basic(TOKEN), 'GET', false],
  [basic(`${TOKEN}:`), 'GET', false],
  [basic(`operator:${TOKEN}`), 'POST', false],
  [basic(`operator:${TOKEN}`), 'OPTIONS', false],
];

for (const [authorization, method, accepted] of CASES)
  test(`${method} with ${JSON.stringify(authorization)} is ${accepted ? 'accepted' : 'refused'}`, () => {
    assert.equal(check(authorization, method), accepted);
  });

test('nothing but the token is the token', () => {
  fc.assert(
    fc.property(fc.string(), guess => {
      fc.pre(guess.trim() !== TOKEN);
      assert.equal(check(`Bearer ${guess}`, 'POST'), false);
    }),
  );
});
