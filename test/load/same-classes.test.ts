import assert from 'node:assert/strict';
import test from 'node:test';
import { areSameClasses } from '../../src/load/same-classes.ts';
import { FramedStrings } from '../../src/protocol/bytes-framing.ts';

function framed(...texts: string[]): Uint8Array {
  const strings = new FramedStrings();
  for (const text of texts) strings.append(text);
  return strings.bytes();
}

const cases: [string, Uint8Array, Uint8Array, boolean][] = [
  ['the same texts', framed('a', 'b'), framed('a', 'b'), true],
  ['other texts', framed('a'), framed('b'), false],
  ['fewer texts', framed('a', 'b'), framed('a'), false],
  ['a score rounded otherwise', framed('0.99998:7:7'), framed('0.999981:7:7'), true],
  ['a small score rounded otherwise', framed('1.2e-7:3'), framed('1.3e-7:3'), true],
  ['another score', framed('0.9:7'), framed('0.8:7'), false],
  ['another class', framed('0.9:7'), framed('0.9:6'), false],
  ['another label', framed('0.9:7:cat'), framed('0.9001:7:dog'), false],
];
for (const [what, one, other, expected] of cases) {
  test(`${what}: ${expected ? 'the same' : 'not the same'}`, () => {
    assert.equal(areSameClasses(one, other), expected);
  });
}
