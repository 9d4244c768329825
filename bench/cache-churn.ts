/**
 * `npm run bench:cache-churn [-- --minutes 10]`: memory of a gateway whose cache is full and keeps being filled. Half of
 * the rows were asked for lately, half never, each answered with 4 KB; 64 MiB are kept, which turns over every few
 * seconds. The gateway's memory in the last third must be that of the first, within 5 %.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { mlp, writeRepository } from '../test/support/onnx.ts';
import { uniform } from '../test/support/random.ts';
import { startHeadgate } from './support/headgate.ts';
import { load, outcomesText } from './support/load.ts';
import { median } from './support/median.ts';
import { inferPath, inferRequest } from './support/oip.ts';
import { processTree } from './support/process-tree.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import type { Server } from './support/server.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const MIB = 2 ** 20;
const MAX_BYTES = 64 * MIB;
const CALLERS = 32;
const INPUTS = 64;
/** Rows asked for again: few enough to be kept. */
const REMEMBERED = 1000;
const EVERY_MS = 5000;
const totalMs = Number(args.minutes) * 60_000;

interface Sample {
  readonly atMs: number;
  readonly rssMiB: number;
  readonly keptMiB: number;
  readonly results: number;
  readonly dropped: number;
}

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(repository, {
  wide: {
    versions: { 1: mlp([INPUTS, 1024, 1024]) },
    config: 'cache: { enabled: true }\ntimeoutMs: 30000\n',
  },
});
await using server = await startHeadgate(repository, folder.path, {
  log: { level: 'warn' },
  cache: { maxBytes: MAX_BYTES, maxModelShare: 1 },
});

const random = uniform(3);
const lately: Buffer[] = [];
function nextRequest(): Buffer {
  const again = lately.length === REMEMBERED && random() < 0.5;
  if (again) return lately[Math.floor(random() * REMEMBERED)] as Buffer;
  const values = Float32Array.from({ length: INPUTS }, random);
  const request = inferRequest(inferPath('wide'), [{ name: 'x', shape: [1, INPUTS], values }], 'binary');
  if (lately.length < REMEMBERED) lately.push(request);
  else lately[Math.floor(random() * REMEMBERED)] = request;
  return request;
}

async function sample(from: Server, beganAt: number): Promise<Sample> {
  const text = await (await fetch(`${from.adminUrl}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (.+)$`, 'm').exec(text)?.[1] ?? 0);
  const [gateway] = processTree(from.pid);
  return {
    atMs: performance.now() - beganAt,
    rssMiB: (gateway?.rssBytes ?? 0) / MIB,
    keptMiB: value('headgate_cache_bytes') / MIB,
    results: value('headgate_cache_results'),
    dropped: value('headgate_cache_dropped_total'),
  };
}

const samples: Sample[] = [];
const beganAt = performance.now();
const sampling = setInterval(() => {
  void sample(server, beganAt).then(one => {
    samples.push(one);
    progress(
      `${Math.round(one.atMs / 1000)}/${totalMs / 1000} s: ${Math.round(one.rssMiB)} MiB, of which kept ${one.keptMiB.toFixed(1)}`,
    );
  });
}, EVERY_MS);
const outcomes = await load({
  port: server.port,
  callers: CALLERS,
  next: () => (performance.now() - beganAt < totalMs ? nextRequest() : undefined),
});
clearInterval(sampling);

const third = (which: number) =>
  samples.slice(Math.floor((which * samples.length) / 3), Math.floor(((which + 1) * samples.length) / 3));
const middle = (which: number, pick: (one: Sample) => number) => median(third(which).map(pick));
printTable([
  ['third', 'gateway MiB', 'most', 'kept MiB', 'results'],
  ...['first', 'second', 'last'].map((name, i) => [
    name,
    Math.round(middle(i, one => one.rssMiB)),
    Math.round(Math.max(...third(i).map(one => one.rssMiB))),
    middle(i, one => one.keptMiB).toFixed(1),
    Math.round(middle(i, one => one.results)),
  ]),
]);
const last = samples.at(-1);
console.log(`${outcomesText(outcomes)}; ${last?.dropped} results had to make room`);
console.log(writeResult('cache-churn', { samples, outcomes: Object.fromEntries(outcomes) }));
const growth = middle(2, one => one.rssMiB) / middle(0, one => one.rssMiB);
verdict([
  ...(growth <= 1.05 ? [] : [`memory grew by ${Math.round(100 * (growth - 1))} %`]),
  ...(samples.every(one => one.keptMiB <= 64) ? [] : ['more was kept than allowed']),
  ...(middle(2, one => one.keptMiB) > 60 ? [] : ['the bound was not reached']),
  ...(outcomes.size === 1 && outcomes.has('200') ? [] : ['requests failed']),
]);
