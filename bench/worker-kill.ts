/**
 * `node bench/worker-kill.ts [--kills 5]`: kill -9 of the busiest worker while 32 callers use it. Callers may see 200,
 * 503 with Retry-After, and 504 where a request waited out its second for the new worker; nothing else. Full
 * throughput must be back within 10 s.
 */
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mlp, writeRepository } from '../test/support/onnx.ts';
import { startHeadgate } from './support/headgate.ts';
import { count, load, type Outcomes, outcomesText } from './support/load.ts';
import { median } from './support/median.ts';
import { inferPath, inferRequest } from './support/oip.ts';
import { processTree } from './support/process-tree.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { kills: { type: 'string', default: '5' } } });
const kills = Number(args.kills);
const BIN_MS = 100;
const OBSERVED_MS = 10_000;
const ALLOWED = ['200', '503', '504'];
/** Full throughput: half a second at 80 % of the median before the kill. */
const FULL = { bins: 5, share: 0.8 };

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(repository, { mlp: { versions: { 1: mlp([784, 128, 10]) } } });
await using server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } });

const feed = [{ name: 'x', shape: [1, 784], values: new Float32Array(784).fill(0.5) }];
const request = inferRequest(inferPath('mlp'), feed, 'binary');
const started = performance.now();
/** Answers of status 200 in each tenth of a second; and every outcome since the last kill. */
const bins: number[] = [];
let since: Outcomes = new Map();
let stopping = false;
let withoutRetryAfter = 0;

const loading = load({
  port: server.port,
  callers: 32,
  next: () => (stopping ? undefined : request),
  inspect: reply => {
    if (reply.status === 503 && !reply.headers.has('retry-after')) withoutRetryAfter++;
  },
  onOutcome: outcome => {
    count(since, outcome);
    const bin = now();
    if (outcome === '200') bins[bin] = (bins[bin] ?? 0) + 1;
  },
});

const rates = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => bins[from + i] ?? 0);
const now = () => Math.floor((performance.now() - started) / BIN_MS);

async function killBusiest() {
  const before = processTree(server.pid).slice(1);
  const from = now();
  await wait(2000);
  const busy = processTree(server.pid)
    .slice(1)
    .map(info => ({ info, used: info.cpuSeconds - (before.find(b => b.pid === info.pid)?.cpuSeconds ?? 0) }))
    .sort((a, b) => b.used - a.used)[0];
  if (busy === undefined) throw new Error('the gateway has no worker');
  const full = median(rates(from + 1, now() - 1)) * FULL.share;
  since = new Map();
  const at = performance.now();
  process.kill(busy.info.pid, 'SIGKILL');
  await wait(OBSERVED_MS);
  const after = Math.ceil((at - started) / BIN_MS);
  const series = rates(after, now() - 1);
  const silent = series.filter(n => n === 0).length * BIN_MS;
  const back = series.findIndex((_, i) => {
    const window = series.slice(i, i + FULL.bins);
    return window.length === FULL.bins && window.reduce((sum, n) => sum + n, 0) / FULL.bins >= full;
  });
  const fullAfterMs = back < 0 ? undefined : after * BIN_MS + back * BIN_MS + started - at;
  return { pid: busy.info.pid, seen: since, silentMs: silent, fullAfterMs };
}

await wait(3000);
const results: Awaited<ReturnType<typeof killBusiest>>[] = [];
for (let kill = 0; kill < kills; kill++) {
  results.push(await killBusiest());
  progress(`${kill + 1}/${kills} kills`);
}
stopping = true;
await loading;

printTable([
  ['kill', 'callers saw', 'no answer for ms', 'full throughput after ms'],
  ...results.map(({ seen, silentMs, fullAfterMs }, i) => [
    i + 1,
    outcomesText(seen),
    silentMs,
    fullAfterMs === undefined ? 'never' : Math.round(fullAfterMs),
  ]),
]);
console.log(
  writeResult(
    'worker-kill',
    results.map(result => ({ ...result, seen: Object.fromEntries(result.seen) })),
  ),
);
verdict([
  ...results.flatMap(({ seen }) =>
    [...seen].filter(([outcome]) => !ALLOWED.includes(outcome)).map(([outcome, n]) => `${outcome}: ${n}`),
  ),
  ...(withoutRetryAfter === 0 ? [] : [`${withoutRetryAfter} × 503 without Retry-After`]),
  ...results.flatMap(({ fullAfterMs }, i) =>
    fullAfterMs === undefined ? [`not back after kill ${i + 1}`] : [],
  ),
]);
