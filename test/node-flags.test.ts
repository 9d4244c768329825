import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { NODE_FLAGS } from '../src/node-flags.ts';

const flags = NODE_FLAGS.join(' ');

test('the command and the scripts start the gateway with the flags that it needs', () => {
  const [first] = readFileSync(new URL('../src/main.ts', import.meta.url), 'utf8').split('\n');
  assert.equal(first, `#!/usr/bin/env -S node ${flags}`);
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const script of ['start', 'headgate'])
    assert.ok(scripts[script]?.startsWith(`node ${flags} bin/with-node.mjs src/main.ts`), script);
});
