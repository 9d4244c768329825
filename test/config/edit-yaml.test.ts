import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { ConfigError } from '../../src/config/config-error.ts';
import { editYaml } from '../../src/config/edit-yaml.ts';

const changes = { instances: [{ kind: 'cpu', count: 2 }], maxBatchSize: 8 };
const edit = (text: string): string => editYaml(text, 'models/x/config.yaml', changes);
const INSTANCES = 'instances: [ { kind: cpu, count: 2 } ]';

const cases: readonly [string, string, string][] = [
  ['an absent file', '', `${INSTANCES}\nmaxBatchSize: 8\n`],
  ['a file of comments', '# why\n', `# why\n${INSTANCES}\nmaxBatchSize: 8\n`],
  ['no line end at the end', 'stable: 2', `stable: 2\n${INSTANCES}\nmaxBatchSize: 8\n`],
  [
    'a value beside its comment',
    '# top\nmaxBatchSize:   4  # why four\n\nlabels: {a: 1,  b:   2}\n',
    `# top\nmaxBatchSize:   8  # why four\n\nlabels: {a: 1,  b:   2}\n${INSTANCES}\n`,
  ],
  [
    'a list over several lines',
    'instances: # two of them\n  - kind: cpu # one\n    count: 4\n\n# last\nstable: 1\n',
    `${INSTANCES} # two of them\n\n# last\nstable: 1\nmaxBatchSize: 8\n`,
  ],
  [
    'a list at the margin of its key',
    'instances:\n- kind: cpu\nstable: 1\n',
    `${INSTANCES}\nstable: 1\nmaxBatchSize: 8\n`,
  ],
  [
    'a list in brackets',
    'instances: [{ kind: cpu,\n  count: 9 }] # here\n',
    `${INSTANCES} # here\nmaxBatchSize: 8\n`,
  ],
];
for (const [name, before, after] of cases) {
  test(`sets keys and leaves the rest as it is: ${name}`, () => assert.equal(edit(before), after));
}

test('a value that others may refer to is not changed', () => {
  assert.throws(() => edit('maxBatchSize: &n 4\na: *n\n'), /maxBatchSize: .*&n.*by hand/);
});

test('aliases, JSON and keys without a value come to the right values all the same', () => {
  for (const text of ['a: &n 4\nmaxBatchSize: *n\n', '{"stable": 1, "a": [1]}\n', 'maxBatchSize:\na: 1\n']) {
    assert.deepEqual(parse(edit(text)), { ...parse(text), ...changes }, text);
  }
});

test('whatever the file says, the keys are set and the others keep their values', () => {
  const key = fc.constantFrom('maxBatchSize', 'instances', 'stable', 'labels', 'warmup');
  const value = fc.jsonValue({ maxDepth: 3 });
  const indents = fc.record({
    indent: fc.constantFrom(2, 4),
    indentSeq: fc.boolean(),
    lineWidth: fc.constantFrom(0, 40),
  });
  fc.assert(
    fc.property(fc.dictionary(key, value), indents, (map, options) => {
      const text = stringify(map, options);
      assert.deepEqual(parse(edit(text)), { ...parse(text), ...changes });
    }),
  );
});

for (const text of ['- 1\n', 'a: [1\n', 'just words\n']) {
  test(`what is no map of keys and values is refused: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => edit(text),
      error => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /models\/x\/config\.yaml/);
        return true;
      },
    );
  });
}
