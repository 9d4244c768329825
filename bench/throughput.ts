/**
 * `npm run bench:throughput [-- --quick] [-- --pairs 5] [-- --seconds 4] [-- --only naive]`: rows per second of Headgate
 * and of the naive gateway, 128 keep-alive connections in a closed loop, one row a request, JSON and binary. Runs are
 * interleaved A B B A …, each in fresh processes; answers are checked before and after each measurement, and the
 * status and form of every answer within it. The load generator shares the cores, so CPU per row stands beside.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { mlp, writeRepository } from '../test/support/onnx.ts';
import { RUNS_ALL } from './support/bench-models.ts';
import { type Measurement, measure, type Subject } from './support/measure.ts';
import { bootstrapInterval, median } from './support/median.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';
import { prepareWorkloads, type Workload } from './support/workload.ts';

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
  },
});
const pairs = Number(args.pairs ?? (args.quick ? 3 : 5));
const seconds = Number(args.seconds ?? (args.quick ? 2 : 4));
const MODELS = { small: [784, 128, 10], large: [784, 1024, 1024, 10] } as const;

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(
  repository,
  Object.fromEntries(
    Object.entries(MODELS).map(([name, dims]) => [name, { versions: { 1: mlp(dims) }, config: RUNS_ALL }]),
  ),
);
const workloads = await prepareWorkloads(repository, Object.keys(MODELS), 784);

const subjects: Subject[] = (['headgate', 'naive'] as const).filter(name => (args.only ?? name) === name);
const measurements: Measurement[] = [];
for (let pair = 0; pair < pairs; pair++) {
  const order = pair % 2 === 0 ? subjects : [...subjects].reverse();
  for (const subject of order) {
    for (const model of Object.keys(MODELS)) {
      const ofModel = workloads.filter(workload => workload.model === model);
      const place = path.join(folder.path, `${subject}-${model}-${pair}`);
      measurements.push(...(await measure(subject, repository, place, ofModel, { pair, seconds })));
      const last = measurements.at(-1);
      progress(
        `pair ${pair + 1}/${pairs} ${subject} ${model}: ${Math.round(last?.rowsPerSecond ?? 0)} rows/s ${last?.encoding}`,
      );
    }
  }
}

const of = (subject: Subject, { model, encoding }: Workload) =>
  measurements.filter(m => m.subject === subject && m.model === model && m.encoding === encoding);
/** Medians of the gateway's and the workers' part. */
const cpuParts = (of: readonly Measurement[]) =>
  `${median(of.map(m => m.gatewayUsPerRow)).toFixed(0)} + ${median(of.map(m => m.workersUsPerRow)).toFixed(0)}`;
const summary = workloads.map(workload => {
  const [ours, naive] = [of('headgate', workload), of('naive', workload)];
  const ratio = (pick: (m: Measurement) => number) => {
    const ratios = ours.flatMap(m => {
      const other = naive.find(n => n.pair === m.pair);
      return other === undefined ? [] : [pick(m) / pick(other)];
    });
    return { median: median(ratios), interval: bootstrapInterval(ratios), all: ratios };
  };
  return {
    model: workload.model,
    encoding: workload.encoding,
    headgate: median(ours.map(m => m.rowsPerSecond)),
    naive: median(naive.map(m => m.rowsPerSecond)),
    throughput: ratio(m => m.rowsPerSecond),
    headgateCpuUs: cpuParts(ours),
    naiveCpuUs: cpuParts(naive),
    meanBatch: median(ours.map(m => m.meanBatch ?? Number.NaN)),
    cpu: ratio(m => m.cpuUsPerRow),
  };
});

const spread = ({
  median: middle,
  interval: [low, high],
}: {
  median: number;
  interval: readonly [number, number];
}) => `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
printTable([
  [
    'model',
    'body',
    'headgate rows/s',
    'naive',
    'ratio (95 %)',
    'CPU µs/row',
    'naive',
    'ratio (95 %)',
    'rows a run',
  ],
  ...summary.map(row => [
    row.model,
    row.encoding,
    Math.round(row.headgate),
    Math.round(row.naive),
    spread(row.throughput),
    row.headgateCpuUs,
    row.naiveCpuUs,
    spread(row.cpu),
    row.meanBatch.toFixed(1),
  ]),
]);
console.log(`${pairs} pairs, ${seconds} s each; a difference under 5 % is noise`);
console.log(writeResult('throughput', { models: MODELS, pairs, seconds, summary, measurements }));
verdict([
  ...measurements
    .filter(m => m.bad > 0)
    .map(m => `${m.subject} ${m.model} ${m.encoding}: ${m.bad} bad answers`),
  ...summary
    .filter(row => row.throughput.median < 0.95)
    .map(row => `slower than naive: ${row.model} ${row.encoding}, ${row.throughput.median.toFixed(2)}`),
]);
