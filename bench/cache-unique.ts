/**
 * `npm run bench:cache-unique [-- --seconds 60]`: what a cache costs where it can't help, once it has stepped aside. Rows
 * of 16 floats of which none comes again, JSON. First what it adds to a request within this process, nothing else
 * being in the time. Then in gateways that change every few dozen milliseconds between it and nothing, one gateway each
 * for the cache, for joining and for both; one for neither says how much of the figure is noise, and one in which 2 µs
 * are burnt for each request that such a cost is seen. At most 2 % of what a request takes, workers included, may be added.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AnswerCheck } from './support/answer-check.ts';
import { prepareModel, sampleRows } from './support/bench-models.ts';
import { decimals } from './support/decimals.ts';
import { startHeadgate } from './support/headgate.ts';
import { inferPath, inferRequest } from './support/oip.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { saturate } from './support/saturate.ts';
import { addedWhenAside } from './support/stepped-aside.ts';
import { type Added, addedCpu, type Stretch } from './support/stretches.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(args.seconds);
const CONNECTIONS = 128;
/** A process is warm then, and has long stepped aside. */
const WARMUP_SECONDS = 25;
/** What comes round after so many is remembered by no table. */
const ROWS = 400_000;
const MOST_ADDED = 0.02;
const PLANTED_US = 2;
const GATEWAY = fileURLToPath(new URL('support/alternating-gateway.ts', import.meta.url));

interface Setting {
  readonly config: string;
  readonly plantedUs?: number;
}
const SETTINGS: Readonly<Record<string, Setting>> = {
  neither: { config: 'coalesce: false' },
  cache: { config: 'coalesce: false\ncache: { enabled: true }' },
  joining: { config: 'coalesce: true' },
  both: { config: 'coalesce: true\ncache: { enabled: true }' },
  planted: { config: 'coalesce: false', plantedUs: PLANTED_US },
};

interface Measured extends Added {
  /** Of a request, workers included, µs. */
  readonly wholeUs: number;
}

const rows = sampleRows(ROWS, [16], 1000);
await using folder = await TempFolder.create();

async function measure(name: string, { config, plantedUs = 0 }: Setting): Promise<Measured> {
  const repository = path.join(folder.path, name);
  const log = path.join(folder.path, `${name}.jsonl`);
  const model = await prepareModel(repository, 'identity16', { config, reuses: true, rows: 1 });
  const env = { ALTERNATING_LOG: log, ALTERNATING_PLANTED_US: String(plantedUs) };
  const requests = rows.map(row =>
    inferRequest(
      inferPath(model.name),
      [{ name: model.input, shape: [1, 16], values: decimals(row) }],
      'json',
    ),
  );
  await using server = await startHeadgate(
    repository,
    path.join(folder.path, `gateway-${name}`),
    {},
    {
      node: ['--import', GATEWAY],
      env,
    },
  );
  const answers = new AnswerCheck(model.output, rows);
  const check = (reply: Parameters<AnswerCheck['check']>[0], index: number) => answers.check(reply, index);
  const load = { requests, connections: CONNECTIONS, check };
  await saturate(server, { ...load, seconds: WARMUP_SECONDS });
  const from = stretchesOf(log).length;
  const { cpuUs } = await saturate(server, { ...load, seconds });
  if (config.includes('cache') && !(await stepsAside(server.adminUrl)))
    throw new Error(`${name}: the cache does not step aside`);
  return { ...addedCpu(stretchesOf(log).slice(from)), wholeUs: cpuUs };
}

function stretchesOf(log: string): Stretch[] {
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return lines.map(line => JSON.parse(line) as Stretch);
}

async function stepsAside(adminUrl: string): Promise<boolean> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return /^headgate_cache_steps_aside\{.*\} 1$/m.test(text);
}

const withinUs = await addedWhenAside(31);
const found: Record<string, Measured> = {};
for (const [name, setting] of Object.entries(SETTINGS)) {
  progress(`${name}, ${WARMUP_SECONDS + seconds} s`);
  found[name] = await measure(name, setting);
}

const percent = ({ wholeUs }: Measured, us: number) => `${((100 * us) / wholeUs).toFixed(1)} %`;
printTable([
  ['setting', 'pairs', 'added, µs a request', '95 % interval', 'of a request', '95 % interval'],
  ...Object.entries(found).map(([name, one]) => [
    name,
    String(one.pairs),
    one.us.toFixed(2),
    `${one.low.toFixed(2)}–${one.high.toFixed(2)}`,
    `${percent(one, one.us)} of ${one.wholeUs.toFixed(1)} µs`,
    `${percent(one, one.low)}–${percent(one, one.high)}`,
  ]),
]);
console.log(`the cache alone within this process, nothing else in the time: ${withinUs.toFixed(2)} µs`);
console.log(writeResult('cache-unique', { withinUs, found }));
const addsTooMuch = (name: string) => {
  const one = found[name] as Measured;
  return one.us > MOST_ADDED * one.wholeUs ? [`${name}: more than 2 % is added`] : [];
};
const { neither, planted } = found as Record<string, Measured> & { neither: Measured; planted: Measured };
verdict([
  ...['neither', 'cache', 'joining', 'both'].flatMap(addsTooMuch),
  ...(neither.low <= 0 && neither.high >= 0 ? [] : ['what is not there is measured']),
  ...(planted.low > PLANTED_US / 2 ? [] : ['what is planted is not measured']),
]);
