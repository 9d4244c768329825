/**
 * `npm run bench:cache-digits [-- --pairs 3] [-- --seconds 3]`: the held-out digits through the digits model, eight to a
 * request, drawn by Zipf's law (the k-th most popular digit comes in proportion to k^−s) for several s, answered in five ways,
 * with room for the results of a fifth of the digits:
 * each row run; equal ones under way joined; whole requests kept; rows kept; rows kept and joined. Which rows were
 * run, rows per second and CPU; a table and a plot. Every answer is checked.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { imagesOf, PIXELS, readHeldOut } from '../models/digits/heldout.ts';
import { plotSvg, type Series } from '../src/load/plot-svg.ts';
import { uniform } from '../test/support/random.ts';
import { readCounts, startHeadgate } from './support/headgate.ts';
import { isExpected } from './support/is-expected.ts';
import { median } from './support/median.ts';
import { inferPath, inferRequest, readAnswer } from './support/oip.ts';
import { RawOrt } from './support/raw-ort.ts';
import { printTable, progress, writeResult } from './support/report.ts';
import { saturate } from './support/saturate.ts';
import type { Server } from './support/server.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({
  options: { pairs: { type: 'string', default: '3' }, seconds: { type: 'string', default: '3' } },
});
const pairs = Number(args.pairs);
const seconds = Number(args.seconds);

const ROWS = 8;
/** More than are kept when they come round. */
const REQUESTS = 16_000;
/** Of the digits, so many results fit: else all are kept within a second, whatever the law. */
const KEPT_SHARE = 0.2;
const RESULT_BYTES = 1024 + 40;
const CONNECTIONS = 64;
const EXPONENTS = [0, 0.6, 0.8, 1, 1.2];
const WAYS: Readonly<Record<string, string>> = {
  'every row run': 'coalesce: false\n',
  joined: 'coalesce: true\n',
  'requests kept': 'coalesce: false\ncache: { enabled: true, rowLevel: false }\n',
  'rows kept': 'coalesce: false\ncache: { enabled: true }\n',
  'rows kept, joined': 'coalesce: true\ncache: { enabled: true }\n',
};

interface Measured {
  readonly rowsPerSecond: number;
  /** Of the rows answered, those that were not run. */
  readonly knownShare: number;
  readonly cpuUsPerRow: number;
}

const digits = readHeldOut();
const rows = Array.from({ length: digits.count }, (_, i) => imagesOf(digits, i, i + 1));
const file = fileURLToPath(new URL('../models/digits/2/model.onnx', import.meta.url));
const expected = await answersOf();
await using folder = await TempFolder.create();

async function answersOf(): Promise<readonly Float32Array[]> {
  await using ort = await RawOrt.start({
    file,
    input: 'image',
    output: 'probabilities',
    rowShape: [PIXELS],
    rows,
  });
  return await ort.answers();
}

/** Digits in the order of a load: rank k in proportion to (k + 1)^−s, by inversion of the sum. */
function zipf(exponent: number, count: number, seed: number): number[] {
  const random = uniform(seed);
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 0; rank < digits.count; rank++) {
    sum += (rank + 1) ** -exponent;
    sums.push(sum);
  }
  return Array.from({ length: count }, () => {
    const at = random() * sum;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

async function measure(way: string, exponent: number, pair: number): Promise<Measured> {
  const place = path.join(folder.path, `${way}-${exponent}-${pair}`.replaceAll(/[ ,]+/g, '-'));
  const model = path.join(place, 'models', 'digits', '1');
  await mkdir(model, { recursive: true });
  await copyFile(file, path.join(model, 'model.onnx'));
  await writeFile(path.join(place, 'models', 'digits', 'config.yaml'), `${WAYS[way]}timeoutMs: 30000\n`);
  const cache = { maxBytes: Math.round(KEPT_SHARE * digits.count * RESULT_BYTES), maxModelShare: 1 };
  await using server = await startHeadgate(path.join(place, 'models'), place, {
    log: { level: 'warn' },
    cache,
  });
  return await load(server, zipf(exponent, REQUESTS * ROWS, pair + 1));
}

async function load(server: Server, drawn: readonly number[]): Promise<Measured> {
  const asked = Array.from({ length: REQUESTS }, (_, i) => drawn.slice(i * ROWS, (i + 1) * ROWS));
  const requests = asked.map(group => {
    const values = new Float32Array(ROWS * PIXELS);
    for (const [i, digit] of group.entries()) values.set(rows[digit] as Float32Array, i * PIXELS);
    return inferRequest(inferPath('digits'), [{ name: 'image', shape: [ROWS, PIXELS], values }], 'binary');
  });
  const wanted = asked.map(group => Float32Array.from(group.flatMap(digit => [...(expected[digit] ?? [])])));
  const loop = {
    requests,
    connections: CONNECTIONS,
    check: (reply: Parameters<Parameters<typeof saturate>[1]['check']>[0], index: number) => {
      const headers = new Map([
        ['inference-header-content-length', reply.header('inference-header-content-length') ?? ''],
      ]);
      const found =
        readAnswer({ status: reply.status, headers, body: reply.body }).get('probabilities') ?? [];
      if (!isExpected(found, wanted[index] as Float32Array)) throw new Error('a wrong digit');
    },
  };
  await saturate(server, { ...loop, seconds: seconds / 2 });
  const before = await readCounts(server, 'digits');
  const { answers, perSecond, cpuUs } = await saturate(server, { ...loop, seconds });
  const run = (await readCounts(server, 'digits')).inferences - before.inferences;
  return {
    rowsPerSecond: perSecond * ROWS,
    knownShare: 1 - run / (answers * ROWS),
    cpuUsPerRow: cpuUs / ROWS,
  };
}

const found = new Map<string, Measured[]>();
const keyOf = (way: string, exponent: number) => `${way}|${exponent}`;
for (let pair = 0; pair < pairs; pair++) {
  for (const exponent of EXPONENTS) {
    const ways = Object.keys(WAYS);
    for (const way of pair % 2 === 0 ? ways : ways.toReversed()) {
      progress(`s = ${exponent}, pair ${pair + 1}/${pairs}: ${way}`);
      const key = keyOf(way, exponent);
      found.set(key, [...(found.get(key) ?? []), await measure(way, exponent, pair)]);
    }
  }
}

const middle = (way: string, exponent: number, pick: (one: Measured) => number) =>
  median((found.get(keyOf(way, exponent)) ?? []).map(pick));
printTable([
  ['s', 'way', 'rows known', 'rows/s', '÷ every row run', 'CPU µs/row', 'saved'],
  ...EXPONENTS.flatMap(exponent =>
    Object.keys(WAYS).map(way => {
      const [speed, cpu] = [
        middle(way, exponent, one => one.rowsPerSecond),
        middle(way, exponent, one => one.cpuUsPerRow),
      ];
      const plain = 'every row run';
      return [
        exponent,
        way,
        `${(100 * middle(way, exponent, one => one.knownShare)).toFixed(1)} %`,
        Math.round(speed),
        (speed / middle(plain, exponent, one => one.rowsPerSecond)).toFixed(2),
        cpu.toFixed(1),
        `${Math.round(100 * (1 - cpu / middle(plain, exponent, one => one.cpuUsPerRow)))} %`,
      ];
    }),
  ),
]);
const result = writeResult('cache-digits', Object.fromEntries(found));
console.log(result);
const plot = result.replace(/json$/, 'svg');
const chart = (title: string, yLabel: string, pick: (one: Measured) => number) => ({
  title,
  xLabel: 's: how uneven the digits are (0: all alike)',
  yLabel,
  series: Object.keys(WAYS).map(
    (way): Series => ({
      name: way,
      points: EXPONENTS.map(exponent => [exponent, middle(way, exponent, pick)] as const),
    }),
  ),
});
await writeFile(
  plot,
  plotSvg('Digits by Zipf’s law, eight to a request', path.basename(result), [
    chart('Rows per second', 'rows/s', one => one.rowsPerSecond),
    chart('CPU per row', 'µs', one => one.cpuUsPerRow),
    chart('Rows that were not run', 'share', one => one.knownShare),
  ]),
);
console.log(plot);
