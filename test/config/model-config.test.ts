import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ConfigError, type Problem } from '../../src/config/config-error.ts';
import { parseModelConfig, reloadKey } from '../../src/config/model-config.ts';

const problems = (text: string): readonly Problem[] => {
  try {
    parseModelConfig(text, 'models/x/config.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  return [];
};
const refused = (text: string): string[] =>
  problems(text).map(({ origin, key, message }) => `${origin.split(':')[1]} ${key}: ${message}`);

test('the vocabulary of the documentation is read as it stands there', () => {
  const { config, origins } = parseModelConfig(
    `maxBatchSize: 32
batching: { maxQueueDelayMs: auto, preferredBatchSizes: [], allowedBatchSizes: [], maxQueueRows: 1024 }
sloMs: 50
timeoutMs: 1000
instances: [{ kind: cpu, count: 2, intraOpThreads: 1 }]
isolation: shared
remote: [{ url: http://gpu-1:8000, concurrency: 4, contentId: resnet-2026-11 }]
versions: { latest: 2 }
stable: 1
labels: { candidate: 2 }
warmup: [{ batchSize: 1, inputs: { x: { shape: [784], fill: random } } }]
cache: { enabled: false, ttlMs: 600000 }
fallback: { onCanaryFailure: stable, staleIfErrorMs: 60000 }
`,
    'models/x/config.yaml',
  );
  assert.equal(config.maxBatchSize, 32);
  assert.deepEqual(config.versions, { latest: 2 });
  assert.deepEqual(config.labels, { candidate: 2 });
  assert.deepEqual(config.warmup[0]?.inputs?.['x'], { shape: [784], fill: 'random' });
  assert.equal(origins.get('stable'), 'models/x/config.yaml:9');
  assert.equal(origins.get('maxTimeoutMs'), 'default');
});

test('what has no effect yet is named when it says something, and only then', () => {
  const named = (text: string): readonly string[] => parseModelConfig(text, 'x').unsupported;
  assert.deepEqual(named('sloMs: 50\nremote: [{ url: "http://gpu-1:8000" }]\n'), []);
  assert.deepEqual(named('fallback: { onCanaryFailure: none }\n'), [
    'fallback.onCanaryFailure (in a later version)',
  ]);
  assert.deepEqual(named('cache: { enabled: false }\nremote: []\nfallback: { staleIfErrorMs: 60000 }\n'), []);
});

test('an empty configuration is the defaults, and says that the instances were derived', () => {
  const { config, origins } = parseModelConfig('# nothing yet\n', 'x');
  assert.equal(config.maxBatchSize, undefined);
  assert.deepEqual(config.versions, { latest: 1 });
  assert.equal(config.batching.maxQueueDelayMs, 'auto');
  assert.equal(origins.get('instances[0].count'), 'derived');
});

test('what is wrong is named with line, key and expectation', () => {
  const table: [string, string[]][] = [
    ['maxBatchsize: 3', ['1 maxBatchsize: unknown key; did you mean maxBatchSize?']],
    ['\nstable: 0', ['2 stable: expected an integer from 1 to 9007199254740991, found 0']],
    ['stable:', ['1 stable: expected an integer from 1 to 9007199254740991, found nothing']],
    [
      'versions: { lates: 2 }',
      ['1 versions: expected { latest: <count> }, all, or a list of versions, found {"lates":2}'],
    ],
    [
      'instances:\n  - kind: gpu',
      ['2 instances[0].kind: expected one of cpu, webgpu, cuda, tensorrt, found "gpu"'],
    ],
    ['instances: []', ['1 instances: expected at least one instance, or a remote']],
    [
      'instances: [{ kind: cpu, devices: [0] }]',
      ['1 instances[0].devices: expected no devices for kind cpu'],
    ],
    [
      'labels: { 2: 2 }',
      ['1 labels.2: not a possible name here; expected names that begin with a letter, each with a version'],
    ],
    [
      'batching:\n  maxQueueDelayMs: -1',
      ['2 batching.maxQueueDelayMs: expected a number from 0 to 60000, or auto, found -1'],
    ],
    ['timeoutMs: 70000', ['1 timeoutMs: expected at most maxTimeoutMs 60000, found 70000']],
    [
      'remote: [{ url: "file:///etc" }]',
      ['1 remote[0].url: expected an http or https address without a path, found "file:///etc"'],
    ],
    ['remote: [{}]', ['1 remote[0].url: missing; expected an http or https address without a path']],
    [
      'maxBatchSize: 8\nbatching: { allowedBatchSizes: [1, 4] }',
      ['2 batching.allowedBatchSizes: expected the last size to be maxBatchSize 8, found 4'],
    ],
    ['a: 1\na: 2', ['2 : Map keys must be unique']],
    ['- 1', ['1 : expected a map of keys and values, found [1]']],
  ];
  for (const [text, expected] of table) assert.deepEqual(refused(text), expected, text);
});

test('a key named __proto__ is an unknown key like any other', () => {
  assert.equal(problems('__proto__: { maxBatchSize: 1 }')[0]?.key, '__proto__');
  assert.equal(({} as Record<string, unknown>)['maxBatchSize'], undefined);
});

test('a file that grows when it is read is refused', () => {
  const bomb = [
    'a: &a [1,1,1,1,1,1,1,1,1]',
    ...'bcdefg'.split('').map((name, i) => {
      const before = 'abcdef'[i];
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`;
    }),
  ].join('\n');
  assert.ok(problems(bomb).length > 0);
  assert.ok(problems('a'.repeat(300_000)).length > 0);
});

test('a mistake is found on its own line, whatever stands around it', () => {
  const good = [
    'sloMs: 5',
    'timeoutMs: 900',
    'isolation: dedicated',
    'stable: 3',
    '# a comment',
    '',
    'priorityLevels: 2',
  ];
  const bad = ['maxBatchSize: many', 'cache: 3', 'nonsense: 1', 'versions: some'];
  fc.assert(
    fc.property(fc.shuffledSubarray(good), fc.constantFrom(...bad), fc.nat(), (lines, mistake, place) => {
      const at = place % (lines.length + 1);
      const text = [...lines.slice(0, at), mistake, ...lines.slice(at)].join('\n');
      assert.deepEqual(
        problems(text).map(({ origin }) => origin),
        [`models/x/config.yaml:${at + 1}`],
      );
    }),
    { numRuns: 200 },
  );
});

test('no text at all makes the parser fail otherwise than by refusing', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'ab:{}[]&*!?-|>\'"#%\n\t ,1'), maxLength: 40 }),
      text => {
        problems(text);
      },
    ),
    { numRuns: 500 },
  );
});

test('only settings that a loaded version depends on load it anew', () => {
  const key = (text: string): string => reloadKey(parseModelConfig(text, 'x').config);
  const base = key('');
  for (const live of [
    'timeoutMs: 5',
    'stable: 2',
    'labels: { a: 1 }',
    'versions: all',
    'classLabels: { y: [a] }',
  ]) {
    assert.equal(key(live), base, live);
  }
  for (const loading of [
    'maxBatchSize: 4',
    'instances: [{ count: 7 }]',
    'isolation: dedicated',
    'warmup: [{ batchSize: 2 }]',
    'batching: { maxQueueRows: 5 }',
    'priorityLevels: 3',
    'maxTimeoutMs: 70000',
    'coalesce: false',
    'cache: { enabled: true }',
    'cache: { ttlMs: 5 }',
  ]) {
    assert.notEqual(key(loading), base, loading);
  }
});
