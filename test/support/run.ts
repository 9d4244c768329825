/** `npm test`: every test file below test/, with Node's own runner. Arguments narrow it to the files whose path contains one. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const wanted = process.argv.slice(2).filter(arg => !arg.startsWith('-'));
const flags = process.argv.slice(2).filter(arg => arg.startsWith('-'));
const files = globSync('test/**/*.test.ts')
  .sort()
  .filter(file => wanted.length === 0 || wanted.some(part => file.includes(part)));
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(', ')}`);
  process.exit(1);
}

const reporters = [
  ['spec', 'stdout'],
  ['./test/support/no-skips-reporter.ts', 'stderr'],
].flatMap(([reporter, to]) => [`--test-reporter=${reporter}`, `--test-reporter-destination=${to}`]);
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-timeout=180000', ...reporters, ...flags, ...files],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
