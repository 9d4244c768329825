import assert from 'node:assert/strict';
import test from 'node:test';
import { describeModels } from '../../src/repository/describe-models.ts';
import { formatModels } from '../../src/repository/models-table.ts';
import { FakeLoader, snapshotOf } from './fake-loader.ts';

test('a table of versions, then what needs saying, then on request every setting with its origin', async () => {
  const loader = new FakeLoader();
  loader.broken.add('digits/3@c');
  await loader.catalog.apply(
    snapshotOf({
      digits: {
        config: 'versions: all\nstable: 1\nlabels: { next: 2 }',
        versions: { 1: 'a', 2: 'b', 3: 'c' },
      },
      zebra: { versions: {}, problem: 'config.yaml:1: \u001b[31mbad' },
    }),
  );
  const facts = () => ({ instances: 2, maxBatchSize: 32, memoryBytes: 5 * 1024 * 1024 });
  const reports = describeModels(loader.catalog.list(), facts);
  assert.deepEqual(formatModels(reports).split('\n'), [
    'MODEL   VERSION  STATE        INSTANCES  MEMORY  BATCH  ANSWERS TO  REASON',
    'digits  1        READY        2          5 MiB   32     default',
    'digits  2        READY        2          5 MiB   32     next',
    'digits  3        UNAVAILABLE  -          -       -      -           digits/3@c is broken',
    'zebra   -        UNAVAILABLE  -          -       -      -           config.yaml:1:  [31mbad',
    '',
    'zebra: config.yaml:1:  [31mbad',
    '',
  ]);
  const lines = formatModels(reports, { verbose: true }).split('\n');
  assert.match(
    lines.find(line => line.startsWith('  stable')) ?? '',
    /^ {2}stable +1 +models\/digits\/config.yaml:2$/,
  );
  assert.match(lines.find(line => line.startsWith('  timeoutMs')) ?? '', /^ {2}timeoutMs +1000 +default$/);
  assert.match(lines.find(line => line.startsWith('  instances[0].count')) ?? '', /derived$/);
  assert.equal(formatModels([]), 'no models\n');
});
