import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/config/config-error.ts';
import { type PbMessage, type PbValue, parsePbtxt } from '../../src/config/pbtxt.ts';

/** A message as nested arrays of [name, value], which compare well. */
const plain = (message: PbMessage): unknown[] =>
  [...message].map(([name, fields]) => [name, ...fields.map(({ value }) => plainValue(value))]);
const plainValue = (value: PbValue): unknown => (typeof value === 'object' ? plain(value) : value);
const refusal = (text: string): string => {
  try {
    parsePbtxt(text, 'c');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return '';
};

test('the notations of text format mean the same', () => {
  const expected = [
    [
      'input',
      [
        ['name', 'x'],
        ['dims', 3, -1],
      ],
    ],
  ];
  for (const text of [
    'input { name: "x" dims: [ 3, -1 ] }',
    "input: { name: 'x', dims: 3, dims: -1 }",
    'input [ { name: "x"; dims: [3] dims: -1 } ]',
    'input < name : "x" # a comment }\n dims: [3, - 1] >',
    'input { name: "" "x" dims: [0x3, -01] }',
  ]) {
    assert.deepEqual(plain(parsePbtxt(text, 'c')), expected, text);
  }
});

test('scalars are texts, numbers, booleans and words', () => {
  const text = 'a: "\\x41\\101\\n\\u00e9" b: 1.5e3 c: -inf d: true e: KIND_CPU f: 2.5f g: nano h: []';
  assert.deepEqual(plain(parsePbtxt(text, 'c')), [
    ['a', 'AA\né'],
    ['b', 1500],
    ['c', Number.NEGATIVE_INFINITY],
    ['d', true],
    ['e', 'KIND_CPU'],
    ['f', 2.5],
    ['g', 'nano'],
    ['h'],
  ]);
});

test('a mistake is named with its line and what was expected', () => {
  const table: [string, string][] = [
    ['a {', 'c:1: expected a field name or }, found the end of the file'],
    ['a: 1\n}', 'c:2: expected a field name, found "}"'],
    ['a 1', 'c:1: expected : or {, found "1"'],
    ['a:\n', 'c:2: expected a value, found the end of the file'],
    ['a: [1 2]', 'c:1: expected , or ], found "2"'],
    ['\n\na: @', 'c:3: expected a name, a value or a bracket, found "@"'],
    ['a: "x\n"', 'c:1: expected a name, a value or a bracket, found "\\""'],
    ['{}', 'c:1: expected a field name, found "{"'],
  ];
  for (const [text, expected] of table) assert.equal(refusal(text), expected, text);
});

test('nesting is bounded', () => {
  assert.match(refusal('a {'.repeat(1000)), /expected at most 32 levels/);
  assert.match(refusal('a'.repeat(300_000)), /at most 262144 characters/);
});

test('no text makes the parser fail otherwise than by refusing', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab:{}<>[],;"\'#\\\n -1.x'), maxLength: 40 }), text => {
      refusal(text);
    }),
    { numRuns: 1000 },
  );
});

test('a mistake is found on its own line, whatever stands around it', () => {
  const good = ['a: 1', 'b { c: "x" }', 'd: [1, 2]', '# comment', '', 'e < f: true >'];
  fc.assert(
    fc.property(
      fc.shuffledSubarray(good),
      fc.constantFrom('x: @', 'x }', 'x: "y'),
      fc.nat(),
      (lines, mistake, place) => {
        const at = place % (lines.length + 1);
        const text = [...lines.slice(0, at), mistake, ...lines.slice(at)].join('\n');
        assert.ok(refusal(text).startsWith(`c:${at + 1}: `), refusal(text));
      },
    ),
  );
});

test('what is printed is read back the same', () => {
  const scalar = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.string().map(text => text.replace(/[^ -~]/g, '')),
  );
  const name = fc.stringMatching(/^[a-z]{1,5}$/);
  const { message } = fc.letrec<{ message: [string, unknown][] }>(tie => ({
    message: fc.uniqueArray(
      fc.tuple(name, fc.oneof({ depthSize: 'small' }, scalar as fc.Arbitrary<unknown>, tie('message'))),
      { selector: ([key]) => key, maxLength: 4 },
    ),
  }));
  const print = (fields: [string, unknown][]): string =>
    fields
      .map(([key, value]) =>
        Array.isArray(value)
          ? `${key} {\n${print(value as [string, unknown][])}}\n`
          : `${key}: ${JSON.stringify(value)}\n`,
      )
      .join('');
  fc.assert(fc.property(message, fields => assert.deepEqual(plain(parsePbtxt(print(fields), 'c')), fields)));
});
