/** What a soak's samples say, against its targets: pure. */
import type { Row } from './figures.ts';
import { blocksOf, type Slope, theilSen, verdictOf } from './slope.ts';
import type { SoakResult } from './soak.ts';
import type { Sample } from './soak-samples.ts';

const MS_PER_HOUR = 3_600_000;
const MB = 2 ** 20;
const MAX_MB_PER_HOUR = 1;
const BLOCKS = 24;

interface Series {
  readonly name: string;
  readonly value: (sample: Sample) => number | undefined;
  readonly unit: string;
  /** Per hour, in its unit. */
  readonly allowed: number;
}

const memory = (name: string, bytes: Series['value']): Series => ({
  ...{ name, unit: 'MB', allowed: MAX_MB_PER_HOUR },
  value: sample => inMb(bytes(sample)),
});
const number = (name: string, value: Series['value']): Series => ({
  ...{ name, value, unit: '', allowed: 0 },
});
const inMb = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / MB);

const SERIES: readonly Series[] = [
  memory('gateway, resident', ({ resident }) => resident),
  memory('gateway, heap and buffers', ({ heap }) => heap),
  number('gateway, open files', ({ files }) => files),
  number('gateway, handles', ({ handles }) => handles),
  memory('workers, resident', ({ workersResident }) => workersResident),
  number('workers, open files', ({ workersFiles }) => workersFiles),
];

export function soakRows(result: SoakResult): Row[] {
  const { reloads, tally, seconds } = result;
  return [
    ...SERIES.map(series => slopeRow(series, result)),
    row('S9 reloads', String(reloads), '> 0', reloads > 0),
    row('S9 right answers', `${tally.own}, ${(tally.own / seconds).toFixed(0)}/s`, '> 0', tally.own > 0),
    row('S9 answers with another’s rows', String(tally.foreign), '0', tally.foreign === 0),
    row('S9 failed or lost', String(tally.failed + tally.lost), '0', tally.failed + tally.lost === 0),
    row('S9 requests left behind', String(tally.left), '> 0', tally.left > 0),
  ];
}

function slopeRow(series: Series, result: SoakResult): Row {
  const { name, unit, allowed } = series;
  const slope = slopeOf(series, result);
  const verdict = verdictOf(slope, allowed);
  const per = `${unit}/h`;
  const interval = `${slope.low.toFixed(2)} to ${slope.high.toFixed(2)}`;
  const value = `${slope.slope.toFixed(2)} ${per} (${interval}), ${verdict}`;
  return row(`S9 ${name}`, value, `not above ${allowed} ${per}`, verdict !== 'grows');
}

/** Per hour, once warm. */
function slopeOf({ value }: Series, { samples, warmupMs }: Pick<SoakResult, 'samples' | 'warmupMs'>): Slope {
  const points = samples.flatMap(sample => {
    const y = value(sample);
    return sample.atMs < warmupMs || y === undefined ? [] : [{ x: sample.atMs / MS_PER_HOUR, y }];
  });
  return theilSen(blocksOf(points, BLOCKS));
}

/** Bytes of heap that stayed of each request, once warm: what a leak is, whatever the machine's speed. */
export function keptPerRequest(result: SoakResult): number {
  const heap = SERIES[1] as Series;
  return (slopeOf(heap, result).slope * MB) / 3600 / (result.tally.own / result.seconds);
}

function row(figure: string, value: string, target: string, kept: boolean): Row {
  return { figure, value, target, kept };
}
