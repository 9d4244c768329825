/**
 * `npm run bench:codec [-- --rounds 31]`: the JSON codec beside `JSON.parse` and `JSON.stringify`, interleaved in one
 * process: whole requests decoded and whole replies encoded, as the ratio of their times. A ratio of 1 is what a
 * server pays that only calls them on its text; ours includes the typed array, the checks and the other members.
 */
import { parseArgs } from 'node:util';
import { decodeInfer } from '../src/protocol/decode-infer.ts';
import { type EncodeOptions, encodeInfer } from '../src/protocol/encode-infer.ts';
import { DEFAULT_PARAMETERS } from '../src/protocol/read-parameters.ts';
import type { Datatype, Tensor } from '../src/tensor.ts';
import { uniform } from '../test/support/random.ts';
import { median } from './support/median.ts';
import { printTable, progress, writeResult } from './support/report.ts';

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '31' } } });
const rounds = Number(args.rounds);
const IMAGE = 3 * 224 * 224;

const random = uniform(7);
const list = (count: number, text: () => string): string[] => Array.from({ length: count }, text);
const eight = () => random().toFixed(8);
const float32 = () => Math.fround(random());

interface Case {
  readonly name: string;
  readonly ours: () => unknown;
  readonly theirs: () => unknown;
  readonly numbers: number;
}

function decoding(name: string, datatype: Datatype, texts: readonly string[], join = ','): Case {
  const body = Buffer.from(
    `{"inputs":[{"name":"x","shape":[1,${texts.length}],"datatype":"${datatype}","data":[${texts.join(join)}]}]}`,
  );
  const signature = {
    inputs: [{ name: 'x', datatype, shape: [-1, texts.length] }],
    outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, 10] }],
  };
  const target = { name: 'm', signature, maxBatchSize: 8 };
  return {
    name: `decode ${name}`,
    ours: () => decodeInfer(body, undefined, target),
    theirs: () => JSON.parse(body.toString()),
    numbers: texts.length,
  };
}

const OPTIONS: EncodeOptions = { nonFinite: 'error', classLabels: new Map() };
const ASKED = { outputs: undefined, parameters: DEFAULT_PARAMETERS };

function encoding(name: string, datatype: Datatype, values: Float32Array | Int32Array | Float64Array): Case {
  const data = new Uint8Array(values.buffer);
  const output: Tensor = { name: 'y', datatype, shape: [1, values.length], data };
  const reply = { model: 'm', version: '1', id: '', outputs: [output] };
  return {
    name: `encode ${name}`,
    ours: () => encodeInfer(reply, ASKED, OPTIONS).chunks,
    theirs: () =>
      Buffer.from(
        JSON.stringify({
          model_name: 'm',
          model_version: '1',
          outputs: [{ name: 'y', datatype, shape: output.shape, data: Array.from(values) }],
        }),
      ),
    numbers: values.length,
  };
}

const cases: Case[] = [
  decoding('image, 8 digits', 'FP32', list(IMAGE, eight)),
  decoding('image, 8 digits, spaces', 'FP32', list(IMAGE, eight), ', '),
  decoding(
    'image, 17 digits',
    'FP32',
    list(IMAGE, () => String(float32())),
  ),
  decoding(
    'image, exponents',
    'FP32',
    list(IMAGE, () => random().toExponential(6)),
  ),
  decoding(
    'image, integers as FP32',
    'FP32',
    list(IMAGE, () => String(Math.floor(random() * 256))),
  ),
  decoding(
    'image, integers as FP32, spaces',
    'FP32',
    list(IMAGE, () => String(Math.floor(random() * 256))),
    ', ',
  ),
  decoding(
    'image, UINT8',
    'UINT8',
    list(IMAGE, () => String(Math.floor(random() * 256))),
  ),
  decoding(
    'image, INT64 ids',
    'INT64',
    list(IMAGE, () => String(Math.floor(random() * 30_000))),
  ),
  decoding(
    'image, 17 digits, FP64',
    'FP64',
    list(IMAGE, () => String(random())),
  ),
  decoding(
    '784 of 4 digits',
    'FP32',
    list(784, () => random().toFixed(4)),
  ),
  decoding(
    '784 of 17 digits',
    'FP32',
    list(784, () => String(float32())),
  ),
  decoding(
    '16 floats',
    'FP32',
    list(16, () => random().toFixed(4)),
  ),
  encoding(
    '16 floats',
    'FP32',
    Float32Array.from({ length: 16 }, () => Number(random().toFixed(4))),
  ),
  encoding(
    '10 probabilities',
    'FP32',
    Float32Array.from({ length: 10 }, () => random()),
  ),
  encoding(
    '100,000 floats',
    'FP32',
    Float32Array.from({ length: 100_000 }, () => random() * 4 - 2),
  ),
  encoding(
    '100,000 doubles',
    'FP64',
    Float64Array.from({ length: 100_000 }, () => random() * 4 - 2),
  ),
  encoding(
    '100,000 integers',
    'INT32',
    Int32Array.from({ length: 100_000 }, () => random() * 1e5),
  ),
];

const timed = (work: () => unknown, times: number): number => {
  const startedAt = performance.now();
  for (let i = 0; i < times; i++) work();
  return (performance.now() - startedAt) / times;
};

const rows = cases.map(({ name, ours, theirs, numbers }) => {
  const times = Math.ceil(20_000 / numbers);
  const pairs: { ours: number; theirs: number }[] = [];
  for (let round = -5; round < rounds; round++) {
    const pair =
      round % 2 === 0
        ? { ours: timed(ours, times), theirs: timed(theirs, times) }
        : { theirs: timed(theirs, times), ours: timed(ours, times) };
    if (round >= 0) pairs.push(pair);
  }
  progress(name);
  return {
    name,
    ratio: median(pairs.map(pair => pair.ours / pair.theirs)),
    oursMs: median(pairs.map(pair => pair.ours)),
    theirsMs: median(pairs.map(pair => pair.theirs)),
    nsPerNumber: (median(pairs.map(pair => pair.ours)) / numbers) * 1e6,
  };
});

printTable([
  ['codec', 'ratio', 'ours ms', 'JSON ms', 'ns a number'],
  ...rows.map(row => [
    row.name,
    row.ratio.toFixed(2),
    row.oursMs.toFixed(4),
    row.theirsMs.toFixed(4),
    row.nsPerNumber.toFixed(0),
  ]),
]);
console.log(writeResult('codec', { rounds, rows }));
