/** Requests of real lengths for the two models of `bench:padding`. */

import type { Reply } from '../../src/load/reply.ts';
import type { Check } from '../../src/load/tally.ts';
import { uniform } from '../../test/support/random.ts';
import { realLines, widthOf } from './line-widths.ts';
import { quantile } from './median.ts';
import { type Feed, inferPath, inferRequest } from './oip.ts';

export interface Prepared {
  readonly requests: readonly Buffer[];
  readonly check: Check;
  /** Of the elements sent, those that are not padding already. */
  readonly ownShare: number;
}

export interface PaddingLoad {
  readonly model: string;
  readonly describe: string;
  readonly connections: number;
  /** `atLongest`: every request is made as long as the longest. */
  prepare(model: string, atLongest: boolean): Prepared;
}

/**
 * The stride of the network along a line is 8: one step of its answer. It was trained with padding, but looks at the
 * whole line: of 94 of these lines drawn in Liberation Sans, all but one were read the same padded to 1.06, 1.125,
 * 1.33 and 2 times their width, and the one better than alone; padded to 1800 pixels, 15 were read differently.
 */
export const RECOGNISER_PADDING = `padding:
  inputs: { x: { axis: 3, multipleOf: 8, maxTimes: 2 } }
  outputs: { softmax_11.tmp_0: { axis: 1 } }
`;

const LINES = shuffled(realLines());
const WIDTHS = LINES.map(widthOf);
const LENGTHS = LINES.map(line => line.length);

export const PADDING_LOADS: readonly PaddingLoad[] = [
  {
    model: 'recogniser',
    describe: `pictures of ${LINES.length} lines of text, ${spread(WIDTHS)} pixels wide`,
    connections: 12,
    prepare: prepared(WIDTHS, picture, shape => Math.ceil(shape / 8)),
  },
  {
    model: 'tokens',
    describe: `${LINES.length} lines of ${spread(LENGTHS)} tokens`,
    connections: 64,
    prepare: prepared(LENGTHS, tokens, () => undefined),
  },
];

type Feeds = (length: number, padTo: number) => Feed[];

function prepared(lengths: readonly number[], feeds: Feeds, steps: (length: number) => number | undefined) {
  const longest = Math.max(...lengths);
  return (model: string, atLongest: boolean): Prepared => {
    const sent = lengths.map(length => (atLongest ? longest : length));
    const target = inferPath(model);
    return {
      requests: lengths.map((length, i) => inferRequest(target, feeds(length, sent[i] as number), 'binary')),
      check: (reply, index) => checkSteps(reply, steps(sent[index % sent.length] as number)),
      ownShare: sum(lengths) / sum(sent),
    };
  };
}

/** The answer's second dimension; a recogniser run alone may give one step less than its width stands for. */
function checkSteps({ body }: Reply, steps: number | undefined): void {
  const found = /"shape":\[1,(\d+)/.exec(body.toString('latin1', 0, 400))?.[1];
  if (found === undefined) throw new Error('no shape in the answer');
  if (steps !== undefined && steps - Number(found) > 1) throw new Error(`${found} steps for ${steps}`);
}

function picture(width: number, padTo: number): Feed[] {
  const values = new Float32Array(3 * 48 * padTo);
  for (let row = 0; row < 3 * 48; row++) {
    for (let x = 0; x < width; x++) values[row * padTo + x] = Math.sin(x * 0.4 + row * 0.2);
  }
  return [{ name: 'x', shape: [1, 3, 48, padTo], values }];
}

function tokens(length: number, padTo: number): Feed[] {
  const values = new Float32Array(padTo * 64);
  for (let i = 0; i < length * 64; i++) values[i] = Math.sin(i);
  return [
    { name: 'tokens', shape: [1, padTo, 64], values },
    { name: 'mask', shape: [1, padTo], values: new Float32Array(padTo).fill(1, 0, length) },
  ];
}

function shuffled(lines: readonly string[]): string[] {
  const random = uniform(7);
  return lines
    .map(line => ({ line, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ line }) => line);
}

function spread(values: readonly number[]): string {
  const at = (q: number): string => quantile(values, q).toFixed(0);
  return `${at(0)} to ${at(1)} (median ${at(0.5)}, 90 % up to ${at(0.9)}, ${new Set(values).size} different)`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
