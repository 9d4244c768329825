/** How a model of the fake worker behaves; written as a file where a real one would be. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

export interface FakeModel {
  /** Shape of its one input `x` and its one output `y`, FP32. */
  readonly dims: readonly number[];
  readonly behaviour: 'identity' | 'softmaxOverBatch';
  readonly onLoad?: 'crash' | 'hang' | 'fail';
  readonly runMs?: number;
  /** While there is this file, of `pid ms`, each run in that process takes so much longer. */
  readonly slowWhile?: string;
  /** The next run takes this file away and fails, where there is one. */
  readonly failsOnceFor?: string;
  /** While there is this file every run fails: its text is the status. */
  readonly failsWhile?: string;
  /** Only there does it do so. */
  readonly failsOn?: 'cpu' | 'webgpu';
}

/** What the first value of a batch makes the fake worker do. No sample is as large. */
export const COMMAND = {
  crash: 111,
  hold: 222,
  fail: 333,
  noLength: 444,
  tooLong: 555,
  unknown: 666,
} as const;

export function writeFakeModel(folder: string, name: string, model: Partial<FakeModel> = {}): string {
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ dims: [-1, 2], behaviour: 'identity', ...model }));
  return file;
}
