/**
 * `npm run bench:cache-unique [-- --rounds 60]`: what a cache costs where it can't help, once it has stepped aside. Rows
 * of 16 floats of which none comes twice. First what it adds to a request within this process, nothing else being
 * in the time: at most 2 % of the CPU that a JSON request takes. Then the whole of it, two gateways side by side in
 * short turns, one that neither keeps nor joins and one that does both; between two turns of the first alone the same
 * ratio says how much of it is noise.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AnswerCheck } from './support/answer-check.ts';
import { type BenchModel, prepareModel, sampleRows } from './support/bench-models.ts';
import { decimals } from './support/decimals.ts';
import { startHeadgate } from './support/headgate.ts';
import { bootstrapInterval, median } from './support/median.ts';
import { inferPath, inferRequest } from './support/oip.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { type Saturated, saturate } from './support/saturate.ts';
import type { Server } from './support/server.ts';
import { addedWhenAside } from './support/stepped-aside.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '60' } } });
const rounds = Number(args.rounds);
const CONNECTIONS = 128;
const SECONDS = 1;
/** More than are answered in a turn: within one, too, none comes twice. */
const ROWS_A_TURN = 40_000;
const MOST_ADDED = 0.02;

const SIDES = ['off', 'off again', 'on'] as const;
type Side = (typeof SIDES)[number];

await using folder = await TempFolder.create();
const start = async (name: string, config: string, reuses: boolean) => {
  const repository = path.join(folder.path, name);
  const model = await prepareModel(repository, 'identity16', { config, reuses, rows: 1 });
  return { model, server: await startHeadgate(repository, path.join(folder.path, `gateway-${name}`)) };
};
const off = await start('off', '', false);
const on = await start('on', 'coalesce: true\ncache: { enabled: true }', true);
await using _off = off.server;
await using _on = on.server;

let turn = 0;
async function measure({ model, server }: { model: BenchModel; server: Server }): Promise<Saturated> {
  const rows = sampleRows(ROWS_A_TURN, model.rowShape, 1000 + turn++);
  const requests = rows.map(row =>
    inferRequest(
      inferPath(model.name),
      [{ name: model.input, shape: [1, 16], values: decimals(row) }],
      'json',
    ),
  );
  const answers = new AnswerCheck(model.output, rows);
  return await saturate(server, {
    requests,
    connections: CONNECTIONS,
    seconds: SECONDS,
    check: (reply, index) => answers.check(reply, index),
  });
}

async function stepsAside(server: Server): Promise<boolean> {
  const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
  return /^headgate_cache_steps_aside\{.*\} 1$/m.test(text);
}

const addedUs = await addedWhenAside(31);
progress('warming both');
await measure(off);
for (let i = 0; i < 10 && !(await stepsAside(on.server)); i++) await measure(on);
const steppedAside = await stepsAside(on.server);

const found: Record<Side, Saturated>[] = [];
for (let round = 0; round < rounds; round++) {
  progress(`round ${round + 1}/${rounds}`);
  const measured: Partial<Record<Side, Saturated>> = {};
  const order = SIDES.map((_, i) => SIDES[(i + round) % SIDES.length] as Side);
  for (const side of order) measured[side] = await measure(side === 'on' ? on : off);
  found.push(measured as Record<Side, Saturated>);
}

const ratios = (side: Side, pick: (one: Saturated) => number) =>
  found.map(one => pick(one[side]) / ((pick(one.off) + pick(one['off again'])) / 2));
const row = (name: string, pick: (one: Saturated) => number) => {
  const noise = found.map(one => pick(one['off again']) / pick(one.off));
  const all = ratios('on', pick);
  const [low, high] = bootstrapInterval(all);
  const [noiseLow, noiseHigh] = bootstrapInterval(noise);
  return {
    cells: [
      name,
      median(found.map(one => pick(one.off))).toFixed(1),
      median(all).toFixed(3),
      `${low.toFixed(3)}–${high.toFixed(3)}`,
      `${median(noise).toFixed(3)} (${noiseLow.toFixed(3)}–${noiseHigh.toFixed(3)})`,
    ],
    low,
  };
};
const front = row('CPU µs a request, gateway', one => one.frontCpuUs);
const tree = row('CPU µs a request, with its workers', one => one.cpuUs);
const speed = row('requests/s', one => one.perSecond);
printTable([
  ['figure', 'off', 'on ÷ off', '95 % interval', 'off ÷ off'],
  front.cells,
  tree.cells,
  speed.cells,
]);
const wholeUs = median(found.map(one => one.off.cpuUs));
console.log(`stepped aside: ${steppedAside}`);
console.log(
  `added within the process: ${addedUs.toFixed(2)} µs, ${((100 * addedUs) / wholeUs).toFixed(2)} % of ${wholeUs.toFixed(1)}`,
);
console.log(writeResult('cache-unique', { steppedAside, addedUs, found }));
verdict([
  ...(steppedAside ? [] : ['the cache did not step aside']),
  ...(addedUs <= MOST_ADDED * wholeUs ? [] : ['more than 2 % is added']),
  ...(tree.low <= 1 + MOST_ADDED ? [] : ['as a whole it surely takes more than 2 % more']),
]);
