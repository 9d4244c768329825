/**
 * `npm run bench:memory [-- --models 1,10,50]`: resident memory of the gateway and of each worker with that many small
 * models (16-32-4, each with weights of its own) loaded and used.
 */
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mlp, writeRepository } from '../test/support/onnx.ts';
import { readIndex, startHeadgate } from './support/headgate.ts';
import { load, type Outcomes, outcomesText } from './support/load.ts';
import { inferPath, inferRequest } from './support/oip.ts';
import { processTree } from './support/process-tree.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { models: { type: 'string', default: '1,10,50' } } });
const MIB = 2 ** 20;
const SETTLED_MS = 2000;

interface Row {
  readonly models: number;
  readonly ready: number;
  readonly readyMs: number;
  readonly gatewayMiB: number;
  readonly workersMiB: readonly number[];
  readonly outcomes: Outcomes;
}

async function measure(models: number): Promise<Row> {
  await using folder = await TempFolder.create();
  const repository = path.join(folder.path, 'models');
  const names = Array.from({ length: models }, (_, i) => `model${i}`);
  await writeRepository(
    repository,
    Object.fromEntries(names.map((name, i) => [name, { versions: { 1: mlp([16, 32, 4], i) } }])),
  );
  const started = performance.now();
  await using server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } });
  const readyMs = performance.now() - started;
  const feed = [{ name: 'x', shape: [1, 16], values: new Float32Array(16) }];
  const requests = names.map(name => inferRequest(inferPath(name), feed, 'binary'));
  const outcomes = await load({
    port: server.port,
    callers: 16,
    next: (caller, turn) => (turn < models * 4 ? requests[(caller + turn) % models] : undefined),
  });
  await wait(SETTLED_MS);
  const index = await readIndex(server);
  const [gateway, ...workers] = processTree(server.pid).map(info => info.rssBytes / MIB);
  return {
    models,
    ready: index.filter(entry => entry.state === 'READY').length,
    readyMs,
    gatewayMiB: gateway ?? 0,
    workersMiB: workers,
    outcomes,
  };
}

const rows: Row[] = [];
for (const models of args.models.split(',').map(Number)) {
  progress(`${models} models`);
  rows.push(await measure(models));
}
printTable([
  ['models', 'ready', 'ready after s', 'gateway MiB', 'workers MiB each', 'outcomes'],
  ...rows.map(row => [
    row.models,
    row.ready,
    (row.readyMs / 1000).toFixed(1),
    Math.round(row.gatewayMiB),
    row.workersMiB.map(Math.round).join(' + '),
    outcomesText(row.outcomes),
  ]),
]);
console.log(
  writeResult(
    'memory',
    rows.map(row => ({ ...row, outcomes: Object.fromEntries(row.outcomes) })),
  ),
);
verdict(
  rows.filter(row => row.ready !== row.models).map(row => `${row.ready} of ${row.models} models ready`),
);
