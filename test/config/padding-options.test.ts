import assert from 'node:assert/strict';
import test from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseModelConfig, reloadKey } from '../../src/config/model-config.ts';

const RECOGNISER = `padding:
  inputs: { x: { axis: 3, multipleOf: 8 } }
  outputs: { y: { axis: 1 } }
`;

function refused(text: string): string[] {
  try {
    parseModelConfig(text, 'config.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map(({ key, message }) => `${key}: ${message}`);
  }
  return [];
}

test('nothing is padded unless it is said to be safe', () => {
  assert.deepEqual(parseModelConfig('', 'x').config.padding, { inputs: {}, outputs: {} });
});

test('an input is padded with zeros to any length, unless said otherwise', () => {
  const { padding } = parseModelConfig(RECOGNISER, 'x').config;
  assert.deepEqual(padding.inputs, { x: { axis: 3, value: 0, multipleOf: 8 } });
  assert.deepEqual(padding.outputs, { y: { axis: 1 } });
  const ids = parseModelConfig('padding: { inputs: { ids: { axis: 1, value: -1.5 } } }', 'x').config.padding;
  assert.deepEqual(ids.inputs, { ids: { axis: 1, value: -1.5, multipleOf: 1 } });
});

test('a change of the padding loads the versions anew', () => {
  const key = (text: string): string => reloadKey(parseModelConfig(text, 'x').config);
  assert.notEqual(key(RECOGNISER), key(''));
  assert.notEqual(key(RECOGNISER), key(RECOGNISER.replace('axis: 3', 'axis: 2')));
});

const REFUSED: readonly [text: string, problem: string][] = [
  [
    'padding: { inputs: { x: { axis: 0 } } }',
    'padding.inputs.x.axis: expected an integer from 1 to 31, found 0',
  ],
  ['padding: { inputs: { x: {} } }', 'padding.inputs.x.axis: missing; expected an integer from 1 to 31'],
  [
    'padding: { inputs: { x: { axis: 1, fill: 0 } } }',
    'padding.inputs.x.fill: unknown key; expected one of axis, value, multipleOf, maxTimes',
  ],
  [
    'padding: { inputs: { x: { axis: 1, multipleOf: 0 } } }',
    'padding.inputs.x.multipleOf: expected an integer from 1 to 65536, found 0',
  ],
  [
    'padding: { outputs: { y: { axis: 1 } } }',
    'padding.outputs.y: expected an input under padding.inputs as well',
  ],
  [
    'padding: { inputs: { x: { axis: 1 } }, outputs: { y: { axis: 1, follows: z } } }',
    'padding.outputs.y: expected follows to be one of x, found z',
  ],
  [
    'padding: { inputs: { x: { axis: 1 } }, outputs: { y: { follows: x } } }',
    'padding.outputs.y: expected an axis beside follows',
  ],
  [
    'maxBatchSize: 0\npadding: { inputs: { x: { axis: 1 } } }',
    'padding.inputs: expected none where maxBatchSize is 0: no batch is shared',
  ],
];

for (const [text, problem] of REFUSED) {
  test(`refused: ${text.replace('\n', '; ')}`, () => assert.deepEqual(refused(text), [problem]));
}
