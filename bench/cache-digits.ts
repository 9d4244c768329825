/**
 * `npm run bench:cache-digits [-- --rounds 6] [-- --seconds 1]`: the held-out digits through the digits model, one and
 * eight to a request, drawn by Zipf's law for several s (the k-th most popular digit comes in proportion to k^−s),
 * answered in five ways with room for the results of a fifth of the digits: each row run; equal ones under way joined;
 * whole requests kept; rows kept; rows kept and joined. Gateways stand side by side and are loaded in short turns; one
 * that runs each row is there twice, so that the same ratio between those two says how much of a figure is noise. What a
 * cache would find that never steps aside, which rows were not run, rows per second and CPU; a table and a plot. Every
 * answer is checked.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { plotSvg, type Series } from '../src/load/plot-svg.ts';
import { DIGITS_FILE, digitsLoad, lruShare, readDigits } from './support/digits-load.ts';
import { readCounts, startHeadgate } from './support/headgate.ts';
import { median } from './support/median.ts';
import { printTable, progress, writeResult } from './support/report.ts';
import { saturate } from './support/saturate.ts';
import type { Server } from './support/server.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '6' }, seconds: { type: 'string', default: '1' } },
});
const rounds = Number(args.rounds);
const seconds = Number(args.seconds);
/** Until the processes run at their usual speed, and what comes again is kept. */
const WARM_SECONDS = 4;
/** Of the digits, so many results fit: else all are kept within a second, whatever the law. */
const KEPT_SHARE = 0.2;
const RESULT_BYTES = 1024 + 40;
const SIZES = [1, 8];
const EXPONENTS = [0, 0.6, 0.8, 1, 1.2];
const PLAIN = 'every row run';
const WAYS: Readonly<Record<string, string>> = {
  [PLAIN]: 'coalesce: false\n',
  'the same again': 'coalesce: false\n',
  joined: 'coalesce: true\n',
  'requests kept': 'coalesce: false\ncache: { enabled: true, rowLevel: false }\n',
  'rows kept': 'coalesce: false\ncache: { enabled: true }\n',
  'rows kept, joined': 'coalesce: true\ncache: { enabled: true }\n',
};
const NAMES = Object.keys(WAYS);
const BY_ROW = new Set(['rows kept', 'rows kept, joined']);
const KEEPS = new Set([...BY_ROW, 'requests kept']);

interface Measured {
  readonly rowsPerSecond: number;
  /** Of the rows answered, those that were not run. */
  readonly knownShare: number;
  readonly cpuUsPerRow: number;
}

/** One law and size, and of each way its rounds. */
interface Setting {
  readonly size: number;
  readonly exponent: number;
  readonly found: Readonly<Record<string, readonly Measured[]>>;
  /** What a cache of this room that never steps aside finds. */
  readonly findable: { readonly rows: number; readonly requests: number };
}

const digits = await readDigits();
await using folder = await TempFolder.create();

async function start(name: string, setting: string): Promise<Server> {
  const place = path.join(folder.path, setting, name.replaceAll(/[ ,]+/g, '-'));
  const model = path.join(place, 'models', 'digits', '1');
  await mkdir(model, { recursive: true });
  await copyFile(DIGITS_FILE, path.join(model, 'model.onnx'));
  await writeFile(path.join(place, 'models', 'digits', 'config.yaml'), `${WAYS[name]}timeoutMs: 30000\n`);
  const maxBytes = Math.round(KEPT_SHARE * digits.rows.length * RESULT_BYTES);
  const options = { log: { level: 'warn' }, cache: { maxBytes, maxModelShare: 1 } };
  return await startHeadgate(path.join(place, 'models'), place, options);
}

async function measure(server: Server, load: ReturnType<typeof digitsLoad>, size: number): Promise<Measured> {
  const before = await readCounts(server, 'digits');
  const { answers, perSecond, cpuUs } = await saturate(server, { ...load, seconds });
  const run = (await readCounts(server, 'digits')).inferences - before.inferences;
  return {
    rowsPerSecond: perSecond * size,
    // What was under way when the turn ended was run, and not answered in it.
    knownShare: Math.max(0, 1 - run / (answers * size)),
    cpuUsPerRow: cpuUs / size,
  };
}

async function measureSetting(size: number, exponent: number): Promise<Setting> {
  const load = digitsLoad(digits, size, exponent, 1);
  const found: Record<string, Measured[]> = Object.fromEntries(NAMES.map(name => [name, []]));
  await using servers = new AsyncDisposableStack();
  const started = new Map<string, Server>();
  for (const name of NAMES) {
    progress(`${size} to a request, s = ${exponent}: ${name}, warming`);
    const server = servers.use(await start(name, `${size}-${exponent}`));
    await saturate(server, { ...load, seconds: WARM_SECONDS });
    started.set(name, server);
  }
  for (let round = 0; round < rounds; round++) {
    progress(`${size} to a request, s = ${exponent}: round ${round + 1}/${rounds}`);
    for (let i = 0; i < NAMES.length; i++) {
      const name = NAMES[(i + round) % NAMES.length] as string;
      found[name]?.push(await measure(started.get(name) as Server, load, size));
    }
  }
  const room = Math.round(KEPT_SHARE * digits.rows.length);
  const findable = { rows: lruShare(load.asked, room, true), requests: lruShare(load.asked, room, false) };
  return { size, exponent, found, findable };
}

const middle = ({ found }: Setting, name: string, pick: (one: Measured) => number) =>
  median((found[name] ?? []).map(pick));
/** Of each round, against the row of the same round that is run each time. */
const ratio = ({ found }: Setting, name: string, pick: (one: Measured) => number) =>
  median((found[name] ?? []).map((one, i) => pick(one) / pick(found[PLAIN]?.[i] as Measured)));

function findable({ findable }: Setting, name: string): string {
  if (!KEEPS.has(name)) return '';
  return `${(100 * (BY_ROW.has(name) ? findable.rows : findable.requests)).toFixed(1)} %`;
}

const settings: Setting[] = [];
for (const size of SIZES) {
  for (const exponent of EXPONENTS) settings.push(await measureSetting(size, exponent));
}
printTable([
  ['to a request', 's', 'way', 'findable', 'not run', 'rows/s', '÷ every row run', 'CPU µs/row', 'CPU saved'],
  ...settings.flatMap(setting =>
    NAMES.map(name => [
      setting.size,
      setting.exponent,
      name,
      findable(setting, name),
      `${(100 * middle(setting, name, one => one.knownShare)).toFixed(1)} %`,
      Math.round(middle(setting, name, one => one.rowsPerSecond)),
      ratio(setting, name, one => one.rowsPerSecond).toFixed(2),
      middle(setting, name, one => one.cpuUsPerRow).toFixed(1),
      `${Math.round(100 * (1 - ratio(setting, name, one => one.cpuUsPerRow)))} %`,
    ]),
  ),
]);
const result = writeResult('cache-digits', settings);
console.log(result);
const plot = result.replace(/json$/, 'svg');
const chart = (size: number, title: string, pick: (setting: Setting, name: string) => number) => ({
  title: `${title}, ${size} to a request`,
  xLabel: 's: how uneven the digits are (0: all alike)',
  yLabel: title,
  series: NAMES.map((name): Series => {
    const points = settings.filter(setting => setting.size === size);
    return { name, points: points.map(setting => [setting.exponent, pick(setting, name)] as const) };
  }),
});
const charts = SIZES.flatMap(size => [
  chart(size, 'rows/s ÷ every row run', (setting, name) => ratio(setting, name, one => one.rowsPerSecond)),
  chart(size, 'CPU ÷ every row run', (setting, name) => ratio(setting, name, one => one.cpuUsPerRow)),
  chart(size, 'share of rows not run', (setting, name) => middle(setting, name, one => one.knownShare)),
]);
await writeFile(plot, plotSvg('Digits by Zipf’s law', path.basename(result), charts));
console.log(plot);
